"""A look at an HDF5 file before its library reads it.

Strings of variable length, which Keras writes, lie in "global heap collections" (HDF5 File Format Specification 3.0,
III.E). The library goes round for ever in one whose objects do not advance, so they are walked here first.
"""

import struct
from typing import BinaryIO

SIGNATURE = b"GCOL\x01\0\0\0"
HEADER = 16
WINDOW = 4 << 20
MAX_COLLECTION = 64 << 20


def is_sound(file: BinaryIO, size: int) -> bool:
    """Say whether all lengths in the file have 8 bytes, and each of its collections ends where it should."""
    file.seek(0)
    start = file.read(16)
    lengths = start[14:15] if start[8:9] in (b"\0", b"\1") else start[10:11]
    if lengths != b"\x08":
        return False
    at = 0
    while at < size:
        file.seek(at)
        place = file.read(WINDOW + len(SIGNATURE)).find(SIGNATURE)
        if place < 0:
            at += WINDOW
            continue
        at += place
        file.seek(at)
        length = struct.unpack("<8xQ", file.read(HEADER).ljust(HEADER, b"\0"))[0]
        if not HEADER <= length <= min(size - at, MAX_COLLECTION):
            return False
        file.seek(at)
        if not _advances(file.read(length)):
            return False
        at += length
    return True


def _advances(collection: bytes) -> bool:
    """Walk from object to object; the last, numbered 0, is what is free, its header included."""
    at = HEADER
    while at + HEADER <= len(collection):
        number, size = struct.unpack_from("<H6xQ", collection, at)
        step = HEADER + (size + 7) // 8 * 8 if number else size
        if step < HEADER or step > len(collection) - at:
            return False
        at += step
    return True
