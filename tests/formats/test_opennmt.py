"""OpenNMT-py checkpoints: CTranslate2's answers for a converted one, a small one recomputed, and damage."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from s2s_gui.cards import LFS_POINTER, card_faults
from s2s_gui.engine.model import assemble
from s2s_gui.errors import ModelError
from s2s_gui.formats.pytorch import opennmt
from tests.formats.decoding import hypotheses
from tests.formats.onmt_files import MAKE, TARGET, Checkpoint, log_probs, small
from tests.shared import shared
from tests.text import spm

TOLERANCE = 1e-4


def write(path: Path, made: Checkpoint) -> Path:
    torch.save(made.content(), path)
    return path


def faults(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        assemble(opennmt.read(path))
    return " ".join(caught.value.faults)


def check(path: Path, made: Checkpoint) -> None:
    description = opennmt.read(path)
    assert card_faults(description.card) == []
    model = assemble(description)
    (found,) = hypotheses(model, "drei ein nie", model.card.ways()[0])
    tokens = [TARGET.index(token.text) for token in found.tokens]
    rows = log_probs(made, [6, 4, 0], [1, *tokens[:-1]])
    assert tokens == rows.argmax(-1).tolist()
    expected = [float(row[token]) for row, token in zip(rows, tokens, strict=True)]
    assert [token.log_prob for token in found.tokens] == pytest.approx(expected, abs=TOLERANCE)
    assert len(tokens) > 1


def test_the_engines_answers() -> None:
    path = shared("interop", "onmt", "aren_step_1.pt")
    table = json.loads(shared("interop", "ctranslate2", "expected.json").read_text())
    assert opennmt.recognises(path)
    description = opennmt.read(path)
    assert description.precision == "fp32"
    model = assemble(description)
    (direction,) = model.card.ways()
    for row in table["models"]["v2/aren-transliteration"]["rows"]:
        text = " ".join(row["source"])
        (greedy,) = hypotheses(model, text, direction)
        assert greedy.text.replace(" ", "") == row["greedy"]
        log_probs = [token.log_prob for token in greedy.tokens]
        assert log_probs == pytest.approx(row["greedy_token_log_probabilities"], abs=TOLERANCE)
        best = hypotheses(model, text, direction, 4, 4)
        assert [one.text.replace(" ", "") for one in best] == [text for text, _ in row["beam_4"]]
        assert [one.score for one in best] == pytest.approx([score for _, score in row["beam_4"]], abs=TOLERANCE)


@pytest.mark.parametrize("biases", [True, False])
def test_every_step_is_that_of_the_formulas(biases: bool, tmp_path: Path) -> None:
    made = small(biases=biases)
    path = write(tmp_path / "model-de-en_step_5.pt", made)
    assert opennmt.recognises(path)
    assert [str(way) for way in opennmt.read(path).card.directions] == ["de > en"]
    check(path, made)


def test_weights_in_a_safetensors_file(tmp_path: Path) -> None:
    made = small()
    generator = {f"generator.{name}": tensor for name, tensor in made.generator.items()}
    weights = {name: tensor.clone() for name, tensor in made.model.items()}
    save_file(weights | generator, tmp_path / "model_step_5.safetensors")
    content = made.content()
    del content["model"], content["generator"]
    torch.save(content, tmp_path / "model_step_5.pt")
    check(tmp_path / "model_step_5.pt", made)
    (tmp_path / "model_step_5.safetensors").unlink()
    assert "model_step_5.safetensors, where they should be, is missing" in faults(tmp_path / "model_step_5.pt")


def test_the_output_may_share_the_embedding(tmp_path: Path) -> None:
    made = small()
    made.options["share_decoder_embeddings"] = True
    made.generator["weight"] = made.model[f"decoder.{MAKE}.emb_luts.0.weight"]
    path = write(tmp_path / "model.pt", made)
    check(path, made)
    assert "output.weight" not in opennmt.read(path).weights


def test_sentencepiece_models_beside_the_checkpoint(tmp_path: Path) -> None:
    model = spm.make(tmp_path, "sub")
    made = small()
    made.vocabulary["src"][4:] = ["\u2581hello", "\u2581world", "\u2581the"]
    made.vocabulary["tgt"][3:6] = ["\u2581hello", "\u2581there", "\u2581cat"]
    made.options["src_subword_model"] = "/elsewhere/runs/" + model.name
    description = opennmt.read(write(tmp_path / "model.pt", made))
    assert description.card.tokenizer.kind == "sentencepiece"
    assert model in description.files
    loaded = assemble(description)
    pieces = [piece.text for piece in loaded.source.encode("hello the <s>")][:2]
    assert pieces == ["\u2581hello", "\u2581the"]
    (found,) = hypotheses(loaded, "hello world", loaded.card.ways()[0])
    assert "averyunlikelytoken" not in found.text
    model.write_bytes(b"#version: 0.2\ne r\n")
    assert opennmt.read(tmp_path / "model.pt").card.tokenizer.kind == "tokens"


def option(name: str, value: Any) -> Callable[[Checkpoint], None]:
    return lambda made: made.options.__setitem__(name, value)


def weight(name: str, value: torch.Tensor | None) -> Callable[[Checkpoint], Any]:
    return lambda made: made.model.pop(name) if value is None else made.model.__setitem__(name, value)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (option("encoder_type", "brnn"), "encoder_type = 'brnn'"),
        (option("decoder_type", "rnn"), "decoder_type = 'rnn'"),
        (option("copy_attn", True), "copy_attn = True"),
        (option("max_relative_positions", 20), "max_relative_positions = 20"),
        (option("max_relative_positions", -1), "max_relative_positions = -1"),
        (option("parallel_residual", True), "parallel_residual"),
        (option("multiquery", True), "multiquery"),
        (option("layer_norm", "rms"), "layer_norm = 'rms'"),
        (option("model_task", "lm"), "model_task = 'lm'"),
        (option("position_encoding", False), "position_encoding"),
        (option("pos_ffn_activation_fn", "tanh"), "activation 'tanh'"),
        (option("pos_ffn_activation_fn", ["relu"]), "activation ['relu']"),
        (option("word_vec_size", 4), "another width"),
        (option("heads", 3), "heads"),
        (option("heads", "two"), "heads"),
        (option("enc_layers", 10**9), "make no network"),
        (option("enc_layers", 3), "encoder.transformer.2"),
        (option("dec_layers", None), "make no network"),
        (option("hidden_size", 16), "another width"),
        (option("transformer_ff", 24), "has the shape [12, 8]; the network needs [24, 8]"),
        (lambda made: made.vocabulary.__setitem__("src_feats", {"case": ["u"]}), "features beside its words"),
        (lambda made: made.vocabulary.__setitem__("src", "abc"), "no lists"),
        (lambda made: made.vocabulary.__setitem__("src", [1, 2, 3]), "damaged vocabulary"),
        (lambda made: made.vocabulary["tgt"].append("one"), "listed twice"),
        (lambda made: made.vocabulary["tgt"].append("more"), "there are 9 tokens"),
        (lambda made: made.vocabulary["src"].pop(), "there are 6 tokens"),
        (lambda made: made.vocabulary["tgt"].__setitem__(2, "stop"), "'</s>'"),
        (lambda made: made.vocabulary.__setitem__("decoder_start_token", "<go>"), "lacks '<go>'"),
        (weight("encoder.layer_norm.weight", None), "encoder.layer_norm.weight"),
        (weight(f"encoder.{MAKE}.pe.pe", None), "no table of positions"),
        (weight(f"decoder.{MAKE}.pe.pe", torch.zeros(40, 1, 8)), "other positions"),
        (weight("decoder.transformer_layers.0.feed_forward.w_3.weight", torch.zeros(2)), "w_3"),
        (weight("encoder.layer_norm.weight", torch.full((8,), torch.nan)), "not finite"),
        (weight("encoder.layer_norm.weight", torch.zeros(1).expand(1 << 40)), "larger than its own data"),
        (weight("encoder.layer_norm.weight", torch.zeros(8, device="meta")), "encoder.layer_norm.weight"),
        (lambda made: made.generator.pop("weight"), "generator.weight"),
    ],
)
def test_checkpoints_that_cannot_be_used(damage: Callable[[Checkpoint], Any], words: str, tmp_path: Path) -> None:
    made = small()
    damage(made)
    assert words in faults(write(tmp_path / "model.pt", made))


class Evil:
    def __reduce__(self) -> Any:
        return print, ("this must never run",)


def test_code_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = small()
    made.options["evil"] = Evil()
    assert "program code" in faults(write(tmp_path / "model.pt", made))
    made = small()
    made.vocabulary["torchtext"] = Evil()
    assert "OpenNMT-py 2" in faults(write(tmp_path / "model.pt", made))
    assert capsys.readouterr().out == ""


def test_truncated_swapped_and_foreign_files(tmp_path: Path) -> None:
    path = write(tmp_path / "model.pt", small())
    content = path.read_bytes()
    for part in range(24):
        path.write_bytes(content[: len(content) * part // 24])
        assert not opennmt.recognises(path)
        assert path.name in faults(path)
    for other in (b"\xff\xd8\xff\xe0 a picture", LFS_POINTER + b"\noid sha256:1\n", b"\x80\x04N."):
        path.write_bytes(other)
        assert not opennmt.recognises(path)
        assert path.name in faults(path)
    wholes: list[Any] = [[1], {"model": {}}, small().content() | {"opt": {}}, small().content() | {"vocab": None}]
    for whole in wholes:
        torch.save(whole, path)
        assert path.name in faults(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", bytes(100 << 20))
    assert not opennmt.recognises(path)
    assert path.name in faults(path)
    assert not opennmt.recognises(tmp_path)
    assert "cannot be read" in faults(tmp_path / "none.pt")
