"""Our reader of M2M-100 and NLLB folders against transformers, with random weights under genuine tokenizers."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from s2s_gui.description import Direction
from s2s_gui.engine.model import assemble
from s2s_gui.formats.huggingface import m2m
from tests.formats.decoding import hypotheses, source_ids
from tests.oracles.random_marian import sentences
from tests.shared import shared

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="transformers is not installed"),
]
COUNT = 50


@pytest.mark.parametrize("kind", ["m2m", "nllb"])
def test_random_weights_decode_alike(kind: str, tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, M2M100Config, M2M100ForConditionalGeneration

    folder = tmp_path / kind
    shutil.copytree(shared("interop", "synthetic", kind), folder)
    torch.manual_seed(5)
    config = M2M100Config.from_pretrained(folder, init_std=0.2)
    network = M2M100ForConditionalGeneration(config).eval()
    network.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = assemble(m2m.read(folder))
    codes = ["en", "zh", "fr"] if kind == "m2m" else ["eng_Latn", "zho_Hans", "fra_Latn"]
    names = [f"__{code}__" if kind == "m2m" else code for code in codes]
    ways = {(way.tag, way.prefix): way for way in model.card.ways()}
    for number, sentence in enumerate(sentences(6, COUNT)):
        source, target = number % 3, (number + 1) % 3
        direction: Direction = ways[names[source], names[target]]
        tokenizer.src_lang = codes[source]
        batch = tokenizer(sentence, return_tensors="pt")
        assert source_ids(model, sentence, direction) == batch.input_ids[0].tolist()
        limit = 2 * batch.input_ids.shape[1] + 8
        for beams in (1, 4):
            with torch.no_grad():
                out = network.generate(
                    **batch,
                    num_beams=beams,
                    max_new_tokens=limit,
                    max_length=None,
                    forced_bos_token_id=tokenizer.convert_tokens_to_ids(names[target]),
                )
            (found,) = hypotheses(model, sentence, direction, beams)
            assert [token.id for token in found.tokens][:limit] == out[0, 1:].tolist(), (sentence, beams)
