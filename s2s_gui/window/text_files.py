"""Reading a text file and writing the translation: UTF-8, or UTF-16 with a mark; the style of line ends is kept."""

from dataclasses import dataclass
from pathlib import Path

LARGEST_BYTES = 32 * 1024 * 1024
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class NotText(Exception):
    """The file is not text in UTF-8 or UTF-16."""


class TooLarge(Exception):
    """The file is larger than the window can show."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """What was read: the text with plain line ends, and how the file ended its lines."""

    text: str
    newline: str


def read(path: Path) -> TextFile:
    """Return the text of ``path``; raise ``NotText``, ``TooLarge`` or ``OSError``."""
    with path.open("rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise TooLarge
    try:
        text = content.decode("utf-16" if content.startswith(UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotText from error
    if "\0" in text:
        raise NotText
    newline = "\r\n" if "\r\n" in text else "\n"
    return TextFile(text.replace("\r\n", "\n").replace("\r", "\n"), newline)


def write(path: Path, text: str, newline: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    aside = path.with_name(f".{path.name}.part")
    try:
        aside.write_bytes(text.replace("\n", newline).encode("utf-8", "surrogatepass"))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
