from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest

from s2s_gui.description import TokenizerFiles
from s2s_gui.errors import ModelError
from s2s_gui.text.opening import open_tokenizer, read_vocabulary
from s2s_gui.text.tokenizer import Piece, Tokenizer


def opened(path: Path, kind: Literal["words", "characters"], tags: Sequence[str] = ()) -> Tokenizer:
    files = TokenizerFiles(path.name, path.name, kind)
    return open_tokenizer(read_vocabulary(path, kind), files, eos=0, unk=1, tags=tags)


def test_words(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("</s>\n<unk>\n<2en>\nhello\nworld\n", encoding="utf-8")
    words = opened(path, "words", ["<2en>"])
    assert words.size == 5
    assert words.encode(" hello  there </s> <2en>") == [
        Piece(3, "hello"),
        Piece(1, "there"),
        Piece(1, "</s>"),
        Piece(1, "<2en>"),
    ]
    assert words.decode([2, 3, 4, 1, 0]) == "hello world"
    assert words.id_of("<2en>") == 2
    assert words.piece(4) == "world"


def test_characters(tmp_path: Path) -> None:
    path = tmp_path / "characters.txt"
    path.write_text('"</s>"\n"<unk>"\n"a"\n" "\n"\\n"\n"中"\n', encoding="utf-8")
    characters = opened(path, "characters")
    ids = [piece.id for piece in characters.encode("a 中x")]
    assert ids == [2, 3, 5, 1]
    stream = characters.stream()
    shown = []
    for id in ids:
        stream.push(id)
        shown.append(stream.text)
    assert shown == ["a", "a ", "a 中", "a 中"]


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [("words", b"a\nb\na\n", "Lines 1 and 3"), ("words", b"\xff\n", "UTF-8"), ("characters", b'"a"\nb\n', "Line 2")],
)
def test_faults_name_the_line(tmp_path: Path, kind: str, content: bytes, words: str) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words):
        read_vocabulary(path, kind)
