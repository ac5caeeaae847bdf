"""Read and write Marian's binary lexical shortlist (browsermt/marian-dev, shortlist.h)."""

from pathlib import Path

import numpy as np

from s2s_gui.description import Shortlist
from s2s_gui.errors import ModelError

MAGIC = 0xF11A48D5013417F5
HEADER = 48


def read_shortlist(path: Path, source_vocabulary: int, target_vocabulary: int) -> Shortlist:
    """Return the shortlist in ``path``; raise ``ModelError`` unless it fits the two vocabularies."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(str(path), [f"{path.name} cannot be read ({error.strerror})."]) from error
    return parse_shortlist(content, path.name, source_vocabulary, target_vocabulary)


def parse_shortlist(content: bytes, name: str, source_vocabulary: int, target_vocabulary: int) -> Shortlist:
    """Return the shortlist that ``content`` is; ``name`` is for messages.

    Its checksum is not compared: engines in 32-bit WebAssembly compute another one than those with 64 bits.
    """
    if len(content) < HEADER or int.from_bytes(content[:8], "little") != MAGIC:
        raise ModelError(name, [f"{name} is not a lexical shortlist."])
    _, _, frequent, _, count, total = np.frombuffer(content, "<u8", 6).tolist()
    expected = HEADER + 8 * count + 4 * total
    if expected != len(content):
        raise ModelError(name, [f"{name} is damaged: it should have {expected:,} bytes, but has {len(content):,}."])
    if count != source_vocabulary + 1:
        raise ModelError(
            name,
            [
                f"{name} is for {count - 1:,} source tokens, but the model has {source_vocabulary:,}:"
                " they do not belong together."
            ],
        )
    offsets = np.frombuffer(content, "<u8", count, HEADER)
    ids = np.frombuffer(content, "<u4", total, HEADER + 8 * count)
    if offsets[0] != 0 or offsets[-1] != total or (offsets[1:] < offsets[:-1]).any():
        raise ModelError(name, [f"{name} is damaged: its lists do not follow one another."])
    if total and int(ids.max()) >= target_vocabulary:
        raise ModelError(name, [f"{name} names target tokens that the model does not have."])
    return Shortlist(min(int(frequent), target_vocabulary), offsets, ids)


def write_shortlist(shortlist: Shortlist, path: Path) -> None:
    """Write ``shortlist`` as Marian's binary file."""
    path.write_bytes(shortlist_bytes(shortlist))


def shortlist_bytes(shortlist: Shortlist) -> bytes:
    """Return the content of the binary file; ``best`` is given as the longest list."""
    offsets, ids = np.asarray(shortlist.offsets, "<u8"), np.asarray(shortlist.ids, "<u4")
    longest = int(np.diff(offsets).max()) if len(offsets) > 1 else 0
    body = np.array([shortlist.frequent, longest, len(offsets), len(ids)], "<u8").tobytes()
    body += offsets.tobytes() + ids.tobytes()
    return MAGIC.to_bytes(8, "little") + checksum(body).to_bytes(8, "little") + body


def checksum(body: bytes) -> int:
    """Return Marian's hash of what follows the checksum: Boost's ``hash_combine`` over its whole 64-bit words."""
    seed = 0
    for word in np.frombuffer(body, "<u8", len(body) // 8).tolist():
        seed ^= (word + 0x9E3779B9 + (seed << 6) + (seed >> 2)) & 0xFFFFFFFFFFFFFFFF
    return seed
