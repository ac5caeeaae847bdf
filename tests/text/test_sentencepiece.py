from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from s2s_gui.errors import ModelError
from s2s_gui.text.sentencepiece import SentencePieceTokenizer, piece_facts, read_sentencepiece, with_word_start
from tests.text import spm

TAGS = ("<2en>", "<2zh>")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spm.make(tmp_path_factory.mktemp("spm"))


@pytest.fixture(scope="module")
def tokenizer(path: Path) -> SentencePieceTokenizer:
    return read_sentencepiece(path, TAGS)


def test_special_pieces(tokenizer: SentencePieceTokenizer) -> None:
    assert [tokenizer.piece(id) for id in range(5)] == ["</s>", "<unk>", "<2en>", "<2zh>", "<0x00>"]
    assert tokenizer.id_of("<2zh>") == 3
    assert tokenizer.id_of("no such piece") is None


@pytest.mark.parametrize("text", ["<2en> hello", "say <2zh>你好</s>", "<2en>"])
def test_a_literal_tag_is_text(tokenizer: SentencePieceTokenizer, text: str) -> None:
    ids = [piece.id for piece in tokenizer.encode(text)]
    assert not {0, 2, 3} & set(ids)
    assert tokenizer.decode(ids) == text


def test_decodes_like_the_library(path: Path, tokenizer: SentencePieceTokenizer) -> None:
    library = SentencePieceProcessor(model_file=str(path))
    for text in ["hello world", "你好，世界 😀", "a b", "1 2 3 the cat"]:
        ids = [piece.id for piece in tokenizer.encode(text)]
        assert ids == library.EncodeAsIds(text)
        assert tokenizer.decode(ids) == library.DecodeIds(ids) == text


def test_half_a_character_never_shows(tokenizer: SentencePieceTokenizer) -> None:
    stream = tokenizer.stream()
    shown = []
    for piece in tokenizer.encode("a😀b"):
        stream.push(piece.id)
        shown.append(stream.text)
    assert set(shown) == {"", "a", "a😀", "a😀b"} - ({""} if shown[0] else set())


def test_broken_bytes_are_dropped(tokenizer: SentencePieceTokenizer) -> None:
    byte = tokenizer.id_of("<0xE4>")
    letter = tokenizer.encode("hello")
    assert byte is not None
    assert tokenizer.decode([byte, *(piece.id for piece in letter), byte]) == "hello"


@settings(deadline=None, max_examples=100)
@given(ids=st.lists(st.integers(0, 329), max_size=30))
def test_streamed_text_only_grows(tokenizer: SentencePieceTokenizer, ids: list[int]) -> None:
    stream = tokenizer.stream()
    before = ""
    for id in ids:
        stream.push(id % tokenizer.size)
        assert stream.text.startswith(before)
        before = stream.text
    assert before == tokenizer.decode(id % tokenizer.size for id in ids)


@settings(deadline=None, max_examples=100)
@given(text=st.text(st.characters(codec=None)))
def test_any_text_survives_but_for_blanks(tokenizer: SentencePieceTokenizer, text: str) -> None:
    found = tokenizer.decode(piece.id for piece in tokenizer.encode(text))
    expected = "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one for one in text).replace("\u2581", " ")
    assert found.replace(" ", "") == expected.replace(" ", "")


@pytest.mark.parametrize("damage", ["empty", "short", "text", "middle"])
def test_damaged_files_are_refused_plainly(path: Path, tmp_path: Path, damage: str) -> None:
    whole = path.read_bytes()
    broken = tmp_path / "broken.spm"
    half = len(whole) // 2
    broken.write_bytes(
        {
            "empty": b"",
            "short": whole[:half],
            "text": b"hello\n" * 100,
            "middle": whole[:half] + b"\xff" * 64 + whole[half + 64 :],
        }[damage]
    )
    with pytest.raises(ModelError, match="damaged"):
        read_sentencepiece(broken)


def test_files_absent_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_sentencepiece(tmp_path / "none.spm")
    large = tmp_path / "large.spm"
    with large.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(ModelError, match="at most"):
        read_sentencepiece(large)


def test_facts_of_a_model(path: Path) -> None:
    facts = piece_facts(path.read_bytes(), "tiny")
    library = SentencePieceProcessor(model_file=str(path))
    assert facts.pieces == tuple(library.IdToPiece(id) for id in range(library.GetPieceSize()))
    assert (facts.eos, facts.unk, facts.user_defined) == (0, 1, frozenset(TAGS))
    with pytest.raises(ModelError):
        piece_facts(b"damage", "tiny")


def test_a_tag_that_begins_a_word(path: Path) -> None:
    """Other engines get tags as text: with the sign for a blank in it it is one piece, the first."""
    changed = with_word_start(path.read_bytes(), TAGS)
    before, after = SentencePieceProcessor(model_file=str(path)), SentencePieceProcessor(model_proto=changed)
    for text in ("hello world", "你好", "the cat 3"):
        assert after.EncodeAsIds(text) == before.EncodeAsIds(text)
        assert after.EncodeAsIds(f"<2en> {text}") == [2, *before.EncodeAsIds(text)]
    assert after.IdToPiece(3) == "▁<2zh>"
    assert with_word_start(path.read_bytes(), ["<2fr>"]) == path.read_bytes()
