"""Our reader and writer of CTranslate2 folders against ctranslate2, on random models of every kind and precision."""

import importlib.util
from pathlib import Path

import pytest

from s2s_gui.engine.model import assemble
from s2s_gui.formats.ctranslate2 import export as ctranslate2_export
from s2s_gui.formats.ctranslate2 import folder as ctranslate2
from s2s_gui.formats.huggingface import marian as hf_marian
from tests.formats.decoding import hypotheses, source_ids
from tests.oracles.random_marian import KINDS, Kind, build, sentences

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(
        importlib.util.find_spec("ctranslate2") is None or importlib.util.find_spec("transformers") is None,
        reason="ctranslate2 or transformers is not installed",
    ),
]
COUNT = 50
TOLERANCE = 1e-4


def compare(folder: Path, seed: int) -> None:
    """Decode random tokens with both engines, greedy and with a beam of 4."""
    import ctranslate2 as engine

    model = assemble(ctranslate2.read(folder))
    (direction,) = model.card.ways()
    translator = engine.Translator(str(folder), compute_type="float32")
    tokens = [model.source.piece(id) for id in range(2, model.source.size - 1)]
    for number, sentence in enumerate(sentences(seed, COUNT)):
        words = [tokens[(number * 7 + 3 * place) % len(tokens)] for place in range(len(sentence.split()))] + ["</s>"]
        limit = 2 * len(source_ids(model, " ".join(words), direction)) + 8
        for beams in (1, 4):
            (theirs,) = translator.translate_batch(
                [words],
                beam_size=beams,
                min_decoding_length=0,
                max_decoding_length=limit,
                return_scores=True,
                disable_unk=False,
            )
            (ours,) = hypotheses(model, " ".join(words), direction, beams)
            assert ours.text.split() == theirs.hypotheses[0], (words, beams)
            if ours.tokens[-1].id == model.card.decoding.eos:
                assert ours.score == pytest.approx(theirs.scores[0], abs=TOLERANCE)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("precision", ["float32", "int8", "int16", "bfloat16"])
def test_converted_models_decode_alike(kind: Kind, precision: str, tmp_path: Path) -> None:
    from ctranslate2.converters import TransformersConverter

    build(kind, 21, tmp_path / "hf")
    TransformersConverter(str(tmp_path / "hf")).convert(str(tmp_path / "ct2"), quantization=precision)
    compare(tmp_path / "ct2", 22)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_we_write_decodes_alike(kind: Kind, tmp_path: Path) -> None:
    build(kind, 31, tmp_path / "hf")
    ctranslate2_export.write(hf_marian.read(tmp_path / "hf"), tmp_path / "ct2")
    for name in ("source.spm", "target.spm"):
        (tmp_path / "ct2" / name).unlink()
    compare(tmp_path / "ct2", 32)
