"""Plain state dicts: two tutorials' networks, rebuilt here in PyTorch, and everything that can be wrong with a file."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from s2s_gui.cards import LFS_POINTER, card_faults
from s2s_gui.engine.model import assemble
from s2s_gui.errors import ModelError
from s2s_gui.formats.pytorch import opennmt
from s2s_gui.formats.pytorch import state as pytorch_state
from tests.formats.decoding import hypotheses

SOURCE = ("<unk>", "<pad>", "<sos>", "<eos>", "ein", "zwei", "drei")
TARGET = ("<pad>", "<sos>", "<eos>", "<unk>", "one", "two", "three", "four")
TOLERANCE = 1e-4


class Half(nn.Module):
    """An encoder or decoder of the tutorials, ``kind`` the name of its cell."""

    def __init__(self, words: int, width: int, hidden: int, layers: int, kind: str, out: str = "") -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        cell = nn.GRU if kind == "gru" else nn.LSTM
        setattr(self, kind, cell(width, hidden, layers, batch_first=True))
        if out:
            setattr(self, out, nn.Linear(hidden, words))


class Pair(nn.Module):
    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder


def lstm_pair() -> Pair:
    """Part 1 of bentrevett/pytorch-seq2seq in small, its embeddings of different widths."""
    torch.manual_seed(1)
    return Pair(Half(len(SOURCE), 5, 6, 2, "rnn"), Half(len(TARGET), 4, 6, 2, "rnn", "fc_out"))


def gru_pair() -> Pair:
    """The pair without attention of "NLP from scratch" in small."""
    torch.manual_seed(7)
    return Pair(Half(len(SOURCE), 6, 6, 1, "gru"), Half(len(TARGET), 6, 6, 1, "gru", "out"))


class Looking(nn.Module):
    """The decoder with attention of the same tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(TARGET), 6)
        self.attention = nn.ModuleDict({"Wa": nn.Linear(6, 6), "Ua": nn.Linear(6, 6), "Va": nn.Linear(6, 1)})
        self.gru = nn.GRU(12, 6, batch_first=True)
        self.out = nn.Linear(6, len(TARGET))


RECIPE: dict[str, Any] = {
    "cell": "lstm",
    "layers": 2,
    "source_vocabulary": SOURCE,
    "target_vocabulary": TARGET,
    "unknown": "<unk>",
    "padding": "<pad>",
    "source_start": "<sos>",
    "source_end": "<eos>",
    "reverse_source": True,
    "source_language": "de",
    "target_language": "en",
}
GRU = {"cell": "gru", "layers": 1, "reverse_source": False, "source_start": ""}


def write(path: Path, state: Any, **changes: Any) -> Path:
    torch.save(state, path)
    path.with_suffix(".json").write_text(json.dumps(RECIPE | changes))
    return path


def faults(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        assemble(pytorch_state.read(path))
    return " ".join(caught.value.faults)


def ids(text: str) -> list[int]:
    return [SOURCE.index(word) if word in SOURCE else 0 for word in text.split()]


def check(path: Path, step: Any, state: Any) -> None:
    """Compare the engine's greedy log-probabilities with those of ``step``, fed the same tokens."""
    assert pytorch_state.recognises(path)
    assert not opennmt.recognises(path)
    description = pytorch_state.read(path)
    assert card_faults(description.card) == []
    assert [str(way) for way in description.card.directions] == ["de > en"]
    model = assemble(description)
    (found,) = hypotheses(model, "drei ein nie", model.card.ways()[0])
    token = "<sos>"
    for given in found.tokens:
        logits, state = step(torch.tensor([[TARGET.index(token)]]), state)
        log_probs = logits.flatten().log_softmax(-1)
        assert given.log_prob == pytest.approx(float(log_probs[TARGET.index(given.text)]), abs=TOLERANCE)
        assert float(log_probs[[2, 4, 5, 6, 7]].max()) == pytest.approx(given.log_prob, abs=TOLERANCE)
        token = given.text
    assert len(found.tokens) > 1


@pytest.mark.parametrize("under", ["", "state_dict", "model_state_dict", "model"])
@torch.inference_mode()
def test_the_lstm_pair(under: str, tmp_path: Path) -> None:
    pair: Any = lstm_pair()
    state = pair.state_dict()
    path = write(tmp_path / "model.pt", {"epoch": 3, under: state} if under else state)
    source = [2, *reversed(ids("drei ein nie")), 3]
    _, cells = pair.encoder.rnn(pair.encoder.embedding(torch.tensor([source])))

    def step(token: Tensor, cells: Any) -> Any:
        output, cells = pair.decoder.rnn(pair.decoder.embedding(token), cells)
        return pair.decoder.fc_out(output), cells

    check(path, step, cells)


@torch.inference_mode()
def test_the_gru_pair_in_two_state_dicts(tmp_path: Path) -> None:
    pair: Any = gru_pair()
    state = {"encoder": pair.encoder.state_dict(), "decoder": pair.decoder.state_dict()}
    path = write(tmp_path / "model.pth", state, **GRU, decoder_embedding_relu=True)
    source = [*ids("drei ein nie"), 3]
    _, cells = pair.encoder.gru(pair.encoder.embedding(torch.tensor([source])))

    def step(token: Tensor, cells: Any) -> Any:
        output, cells = pair.decoder.gru(torch.relu(pair.decoder.embedding(token)), cells)
        return pair.decoder.out(output), cells

    check(path, step, cells)


@torch.inference_mode()
def test_the_gru_pair_with_attention(tmp_path: Path) -> None:
    pair: Any = Pair(gru_pair().encoder, Looking())
    path = write(tmp_path / "model.bin", pair.state_dict(), **GRU, attention="bahdanau")
    source = [*ids("drei ein nie"), 3]
    memory, cells = pair.encoder.gru(pair.encoder.embedding(torch.tensor([source])))

    def step(token: Tensor, cells: Any) -> Any:
        look = pair.decoder.attention
        scores = look["Va"](torch.tanh(look["Wa"](cells.permute(1, 0, 2)) + look["Ua"](memory)))
        context = torch.bmm(scores.permute(0, 2, 1).softmax(-1), memory)
        x = torch.cat((pair.decoder.embedding(token), context), dim=2)
        output, cells = pair.decoder.gru(x, cells)
        return pair.decoder.out(output), cells

    check(path, step, cells)


def test_both_ways_half_precision_and_own_names(tmp_path: Path) -> None:
    torch.manual_seed(3)
    reader = nn.LSTM(5, 3, 1, bidirectional=True, bias=False)
    state = {f"module.read.{name}": tensor.half() for name, tensor in reader.state_dict().items()}
    state |= {f"module.{name}": tensor for name, tensor in gru_pair().state_dict().items() if "gru" not in name}
    writer = nn.LSTM(6, 6, 1)
    state |= {f"module.write.{name}": tensor for name, tensor in writer.state_dict().items()}
    state["module.encoder.embedding.weight"] = torch.randn(len(SOURCE), 5)
    names = {"encoder": "read", "decoder": "write", "output": "decoder.out"}
    path = write(tmp_path / "model.pt", state, layers=1, bidirectional=True, names=names, reverse_source=False)
    description = pytorch_state.read(path)
    assert description.precision == "fp16, fp32"
    model = assemble(description)
    assert hypotheses(model, "ein zwei", model.card.ways()[0])


def test_the_missing_recipe_is_explained(tmp_path: Path) -> None:
    path = write(tmp_path / "weights.pt", lstm_pair().state_dict())
    path.with_suffix(".json").rename(tmp_path / "model.json")
    assemble(pytorch_state.read(path))
    (tmp_path / "model.json").unlink()
    found = faults(path)
    assert "weights.json" in found
    assert "encoder.embedding.weight" in found
    example = json.loads(found[found.index("{") : found.rindex("}") + 1])
    path.with_suffix(".json").write_text(json.dumps(example))
    assert "encoder.embedding.weight has the shape [7, 5]; by the recipe it should be [5, 5]" in faults(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cell": "rnn"}, "Invalid enum value 'rnn'"),
        ({"attention": "luong"}, "Invalid enum value 'luong'"),
        ({"attention": "bahdanau"}, "names.attention"),
        ({"colour": 1}, "unknown field `colour`"),
        ({"layers": 0}, ">= 1"),
        ({"layers": 1}, "no use for these tensors: decoder.rnn.bias_hh_l1"),
        ({"layers": 3}, "should be there: decoder.rnn.weight_hh_l2"),
        ({"cell": "gru"}, "has the shape [24, 5]; by the recipe it should be [18, 5]"),
        ({"bidirectional": True}, "should be there"),
        ({"start": "<go>"}, "start is '<go>'"),
        ({"end": "<stop>"}, "end is '<stop>'"),
        ({"source_end": "<stop>"}, "source_end is '<stop>'"),
        ({"source_vocabulary": SOURCE[:-1]}, "has the shape [7, 5]; by the recipe it should be [6, 5]"),
        ({"source_vocabulary": SOURCE + SOURCE}, "lists a token twice"),
        ({"target_vocabulary": []}, "0 tokens"),
        ({"names": {"encoder": "reader"}}, "No tensor's name begins with reader"),
        ({"names": {"colour": "x"}}, "unknown field"),
        ({"longest_source": 10**6}, "<= 4096"),
    ],
)
def test_recipes_that_do_not_fit(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert words in faults(write(tmp_path / "model.pt", lstm_pair().state_dict(), **changes))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, LFS_POINTER])
def test_recipes_that_are_none(content: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "model.pt", lstm_pair().state_dict())
    path.with_suffix(".json").write_bytes(content)
    assert "model.json" in faults(path)


class Evil:
    def __reduce__(self) -> Any:
        return print, ("this must never run",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"w": Evil()}, "program code"),
        (Evil(), "program code"),
        ([torch.zeros(2)], "holds a list"),
        (torch.zeros(2), "holds a Tensor"),
        ({}, "no weights by name"),
        ({"a": 1, "b": torch.zeros(2, dtype=torch.int64)}, "no weights by name"),
        ({"w": torch.zeros(2, dtype=torch.float64)}, "float64"),
        ({"w": torch.eye(2).to_sparse()}, "kind that cannot be read"),
        ({"w": torch.zeros(2, device="meta")}, "kind that cannot be read"),
        ({"w": torch.zeros(1).expand(1 << 30, 5)}, "larger than its own data"),
    ],
)
def test_files_that_hold_something_else(
    content: Any, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in faults(write(tmp_path / "model.pt", content))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(value: float, tmp_path: Path) -> None:
    state = lstm_pair().state_dict()
    state["decoder.rnn.weight_hh_l1"][0, 0] = value
    assert "decoder.weight_hh_l1 holds values that are not finite" in faults(write(tmp_path / "model.pt", state))


def test_truncated_and_flipped(tmp_path: Path) -> None:
    path = write(tmp_path / "model.pt", lstm_pair().state_dict())
    content = path.read_bytes()
    for part in range(20):
        path.write_bytes(content[: len(content) * part // 20])
        pytorch_state.recognises(path)
        assert path.name in faults(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("model/constants.pkl", b"")
    assert "TorchScript" in faults(path)
    for other in (b"\xff\xd8\xff\xe0 a picture", LFS_POINTER + b"\noid sha256:1\n", b"\x80\x04N."):
        path.write_bytes(other)
        assert path.name in faults(path)
    assert not pytorch_state.recognises(tmp_path)
    assert "cannot be read" in faults(tmp_path / "none.pt")
