"""Tensors of a PyTorch ``.bin``/``.pt`` file, unpickled with ``weights_only`` after its zip has been looked at.

Anything but plain dense float tensors is refused. Follows ``torch.save`` as of PyTorch 1.6; older files without a zip
are read too.
"""

import argparse
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from s2s_gui.cards import LFS_POINTER, lfs_fault
from s2s_gui.errors import ModelError
from s2s_gui.formats.content import is_zip

MAX_TENSORS = 1 << 16
MAX_RANK = 4
MAX_PICKLE = 16 << 20
MAX_MEMBERS = 1 << 17
LEGACY = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
FLOATS = (torch.float32, torch.float16, torch.bfloat16)


def is_checkpoint(path: Path) -> bool:
    """Say whether the file was written by ``torch.save``."""
    try:
        with path.open("rb") as file:
            if file.read(len(LEGACY)) == LEGACY:
                return True
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/data.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def load(path: Path) -> Any:
    """Return what the file holds, its tensors still on the disk where they can be; ``ModelError`` for a bad file.

    Besides tensors and Python's own containers only ``argparse.Namespace`` is allowed (OpenNMT-py's options).
    """
    _look(path)
    with torch.serialization.safe_globals([argparse.Namespace]):
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip(path))
        except pickle.UnpicklingError as error:
            raise ModelError(
                str(path),
                [f"{path.name} holds program code beside its weights, or is damaged; for safety it is not opened."],
            ) from error
        except Exception as error:  # Damaged pickles reach every corner of torch's reader.
            raise ModelError(str(path), [f"{path.name} is damaged or only half there."]) from error


def tensors_of(state: Mapping[Any, Any], name: str) -> dict[str, Callable[[], NDArray[Any]]]:
    """Return makers of the float tensors of a state dict as float32 arrays; ``name`` is the file's, for messages."""
    if len(state) > MAX_TENSORS:
        raise ModelError(name, [f"{name} holds more than {MAX_TENSORS:,} tensors."])
    found = {}
    for key, tensor in state.items():
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
            continue
        if tensor.is_meta or tensor.layout != torch.strided or tensor.dtype not in FLOATS or tensor.dim() > MAX_RANK:
            raise ModelError(name, [f"{name}: {key} is a {tensor.dtype} tensor of a kind that cannot be read."])
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise ModelError(name, [f"{name} is damaged: {key} is larger than its own data."])
        found[str(key)] = _maker(tensor)
    return found


def _maker(tensor: torch.Tensor) -> Callable[[], NDArray[Any]]:
    # A copy: a tensor that stays a map of the file would change, or end the program, with the file.
    return lambda: np.array(tensor.detach().float().numpy())


def _look(path: Path) -> None:
    """Refuse what need not be unpickled to be known as wrong."""
    try:
        with path.open("rb") as file:
            start = file.read(len(LFS_POINTER))
    except OSError as error:
        raise ModelError(str(path), [f"{path.name} cannot be read ({error.strerror})."]) from error
    if start == LFS_POINTER:
        raise ModelError(str(path), [lfs_fault(path.name)])
    if start.startswith(LEGACY):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise ModelError(str(path), [f"{path.name} is not a PyTorch file, or only half of one."]) from error
    size = path.stat().st_size
    names = [member.filename for member in members]
    if len(members) > MAX_MEMBERS or len(set(names)) != len(names):
        raise ModelError(str(path), [f"{path.name} has too many parts, or one part twice."])
    if any(member.compress_type != zipfile.ZIP_STORED or member.file_size > size for member in members):
        raise ModelError(str(path), [f"{path.name} is damaged: its parts are larger than the file."])
    pickles = [member for member in members if member.filename.endswith(".pkl")]
    if any(member.file_size > MAX_PICKLE for member in pickles):
        raise ModelError(str(path), [f"{path.name} has a description of more than {MAX_PICKLE:,} bytes."])
    if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
        raise ModelError(str(path), [f"{path.name} is a TorchScript program, not a file of weights."])
