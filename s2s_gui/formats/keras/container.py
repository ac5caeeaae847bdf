"""What lies in a Keras file: the model's description and its arrays, layer by layer.

``.keras`` is a zip with ``config.json`` and ``model.weights.h5``; ``.h5`` is HDF5 with the description as an
attribute. HDF5 is read by a C library that was not made for hostile files, so everything that could lead out of the
file, run a foreign filter or allocate more than the file holds is refused before a value is read.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from s2s_gui.cards import LFS_POINTER, lfs_fault
from s2s_gui.errors import ModelError
from s2s_gui.formats.content import is_zip
from s2s_gui.formats.keras.hdf5_heap import is_sound
from s2s_gui.formats.lazy import Array

HDF5 = b"\x89HDF\r\n\x1a\n"
WEIGHTS = "model.weights.h5"
LIMITS = {"metadata.json": 1 << 20, "config.json": 16 << 20, WEIGHTS: 2 << 30}
MAX_RATIO = 100
MAX_ATTRIBUTE = 16 << 20
MAX_CHUNK = 256 << 20
MAX_LAYERS = 4096
MAX_ARRAYS = 64
FLOATS = ("float16", "float32", "float64")
RECURRENT = ("LSTM", "GRU", "SimpleRNN")
DAMAGE = (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError, OverflowError, MemoryError)


@dataclass(frozen=True, slots=True)
class Stored:
    """An array in the file; ``read`` returns it as float32."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: str

    def read(self) -> Array:
        """Return the values; raise ``ModelError`` if they cannot be read."""
        with _opened(self.path) as root:
            return np.asarray(_dataset(root, self.name)[()], np.float32)


@dataclass(frozen=True, slots=True)
class Container:
    """``model`` is Keras' description, ``version`` that of Keras; the arrays of each layer stand in Keras' order."""

    model: dict[str, Any]
    version: str
    arrays: Mapping[str, tuple[Stored, ...]]


def is_keras(path: Path) -> bool:
    """Say whether the file begins like a ``.keras`` archive or like HDF5."""
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError:
        return False
    return start.startswith(HDF5) or (start[:4] == b"PK\3\4" and start[30:].startswith(tuple(map(str.encode, LIMITS))))


def open_container(path: Path) -> Container:
    """Read all but the arrays themselves; raise ``ModelError`` for a file that is damaged or no Keras model."""
    _check_start(path)
    _check_texts(path)
    if is_zip(path):
        model = _json(_member(path, "config.json"), path, "config.json")
        version = str(_json(_member(path, "metadata.json"), path, "metadata.json").get("keras_version", "3"))
        with _opened(path) as root:
            return Container(model, version, dict(_arrays_by_class(root, path, layers_of(model, path))))
    with _opened(path) as root:
        text = _attribute(root, "model_config")
        if not isinstance(text, str):
            raise _fault(
                path,
                f"{path.name} holds weights alone and not the model's description."
                " Save the whole model in Keras: model.save(...), not model.save_weights(...).",
            )
        version = str(_attribute(root, "keras_version") or "2")
        model = _json(text.encode(), path, "model_config")
        return Container(model, version, dict(_arrays_by_name(root, path, layers_of(model, path))))


def layers_of(model: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    """Return the descriptions of the layers; raise ``ModelError`` unless it is a model of named layers."""
    config = model.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    if model.get("class_name") not in ("Functional", "Model") or not isinstance(layers, list):
        raise _fault(
            path,
            f"{path.name} holds a Keras model of the kind {model.get('class_name')!r}; only models made with"
            " keras.Model(inputs, outputs) can be read.",
        )
    if len(layers) > MAX_LAYERS or not all(
        isinstance(layer, dict)
        and isinstance(layer.get("config"), dict)
        and isinstance(layer.get("class_name"), str)
        and isinstance(layer.get("name", layer["config"].get("name")), str)
        for layer in layers
    ):
        raise _fault(path, f"{path.name} is damaged: the description of its layers makes no sense.")
    return layers


def _check_start(path: Path) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(len(LFS_POINTER))
    except OSError as error:
        raise _fault(path, f"{path.name} cannot be read ({error.strerror}).") from error
    if start == LFS_POINTER:
        raise _fault(path, lfs_fault(path.name))
    if size > LIMITS[WEIGHTS]:
        raise _fault(path, f"{path.name} has {size:,} bytes; Keras files of up to 2 GiB are read.")
    if start[:2] == b"PK" and not is_zip(path):
        raise _fault(path, f"{path.name} is truncated: the list of contents at its end is missing.")
    if start[:2] != b"PK" and not start.startswith(HDF5):
        raise _fault(path, f"{path.name} is neither a .keras nor an .h5 file of Keras.")


def _check_texts(path: Path) -> None:
    with io.BytesIO(_member(path, WEIGHTS)) if is_zip(path) else path.open("rb") as file:
        if not is_sound(file, file.seek(0, io.SEEK_END)):
            raise _fault(path, f"{path.name} is damaged or truncated: its HDF5 content cannot be read.")


def _member(path: Path, name: str) -> bytes:
    """Return a member of a ``.keras`` archive after looking at the whole archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            strange = sorted(set(names) - LIMITS.keys())
            if strange:
                raise _fault(path, f"{path.name} holds {strange[0]!r}, which does not belong into a .keras file.")
            if len(set(names)) != len(names):
                raise _fault(path, f"{path.name} holds one part twice.")
            if name not in names:
                raise _fault(path, f"{path.name} lacks its part {name}: it is damaged, or not a model of Keras 3.")
            found = members[names.index(name)]
            if found.flag_bits & 1:
                raise _fault(path, f"{path.name} is encrypted.")
            if found.file_size > min(LIMITS[name], max(1 << 16, MAX_RATIO * found.compress_size)):
                raise _fault(path, f"{path.name}: its part {name} claims to have {found.file_size:,} bytes.")
            with archive.open(found) as file:
                content = file.read(found.file_size + 1)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error, *DAMAGE) as error:
        raise _fault(path, f"{path.name} is damaged: its part {name} cannot be unpacked.") from error
    if len(content) != found.file_size:
        raise _fault(path, f"{path.name} is damaged: its part {name} is not as long as it should be.")
    return content


def _json(content: bytes, path: Path, part: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _fault(path, f"{path.name} is damaged: {part} is not JSON.") from error
    if not isinstance(found, dict):
        raise _fault(path, f"{path.name} is damaged: {part} is not a JSON object.")
    return found


@contextmanager
def _opened(path: Path) -> Iterator[h5py.Group]:
    """Open the file's HDF5; whatever the library says inside becomes a ``ModelError``."""
    try:
        inside = io.BytesIO(_member(path, WEIGHTS)) if is_zip(path) else path
        with h5py.File(inside, "r", **({} if isinstance(inside, io.BytesIO) else {"locking": False})) as root:
            yield root
    except ModelError as error:
        raise ModelError(str(path), list(error.faults)) from error
    except DAMAGE as error:
        raise _fault(path, f"{path.name} is damaged or truncated: its HDF5 content cannot be read.") from error


def _arrays_by_class(
    root: h5py.Group, path: Path, layers: Sequence[dict[str, Any]]
) -> Iterator[tuple[str, tuple[Stored, ...]]]:
    """Keras 3 numbers the layers of each class, in the model's order, and calls them so."""
    base = next((name for name in ("layers", "_layer_checkpoint_dependencies") if name in root), "layers")
    counts: dict[str, int] = {}
    for layer in layers:
        kind = layer["class_name"]
        own = _snake(kind)
        number = counts.get(own, 0)
        counts[own] = number + 1
        folder = f"{base}/{own}_{number}" if number else f"{base}/{own}"
        if kind == "Bidirectional":
            parts = [f"{folder}/forward_layer/cell/vars", f"{folder}/backward_layer/cell/vars"]
        elif kind == "TimeDistributed":
            parts = [f"{folder}/layer/vars"]
        else:
            parts = [f"{folder}/cell/vars" if kind in RECURRENT else f"{folder}/vars"]
        names = []
        for part in parts:
            group = _object(root, part, missing_is_fault=False)
            count = len(group) if isinstance(group, h5py.Group) else 0
            names += [f"{part}/{i}" for i in range(min(count, MAX_ARRAYS))]
        yield _name(layer), tuple(_stored(root, path, name) for name in names)


def _arrays_by_name(
    root: h5py.Group, path: Path, layers: Sequence[dict[str, Any]]
) -> Iterator[tuple[str, tuple[Stored, ...]]]:
    """In ``.h5`` files each layer's group lists its arrays."""
    base = "model_weights/" if "model_weights" in root else ""
    for layer in layers:
        folder = f"{base}{_name(layer)}"
        group = _object(root, folder, missing_is_fault=False)
        names = _attribute(group, "weight_names") if isinstance(group, h5py.Group) else None
        if isinstance(names, str) or (names is not None and len(names) > MAX_ARRAYS):
            raise _fault(path, f"{path.name} is damaged: the arrays of the layer {_name(layer)} are not listed.")
        yield _name(layer), tuple(_stored(root, path, f"{folder}/{name}") for name in names or ())


def _stored(root: h5py.Group, path: Path, name: str) -> Stored:
    found = _dataset(root, name)
    return Stored(path, name, tuple(int(size) for size in found.shape), found.dtype.name)


def _object(root: h5py.Group, name: str, *, missing_is_fault: bool = True) -> Any:
    """Return the object at a path inside the file, following only links that stay in it."""
    found: Any = root
    for part in name.split("/"):
        if not isinstance(found, h5py.Group) or part not in found:
            if missing_is_fault:
                raise _fault(Path(), f"It lacks the array {name}.")
            return None
        if not isinstance(found.get(part, getlink=True), h5py.HardLink):
            raise _fault(Path(), f"{part!r} in it is a link to another place or file; such links are not followed.")
        found = found[part]
    return found


def _dataset(root: h5py.Group, name: str) -> h5py.Dataset:
    """Return an array of floats whose values all lie in the file itself."""
    found = _object(root, name)
    if not isinstance(found, h5py.Dataset) or found.dtype.name not in FLOATS or found.ndim > 4:
        raise _fault(Path(), f"{name} in it is not an array of numbers.")
    made = found.id.get_create_plist()
    filters = {made.get_filter(i)[0] for i in range(made.get_nfilters())}
    if made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count():
        raise _fault(Path(), f"The values of {name} lie in another file.")
    if filters - {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}:
        raise _fault(Path(), f"{name} is stored with a filter that is not part of HDF5.")
    size = prod(found.shape) * found.dtype.itemsize
    stored = found.id.get_storage_size()
    chunk = prod(found.chunks) * found.dtype.itemsize if found.chunks else 0
    if size > stored * (MAX_RATIO if filters else 1) or chunk > MAX_CHUNK:
        raise _fault(Path(), f"{name} should have {size:,} bytes, but the file holds only {stored:,} of them.")
    return found


def _attribute(at: h5py.Group, name: str) -> str | list[str] | None:
    """Return a string or list of strings, put together where Keras has split a long list; None if it is absent."""
    if name not in at.attrs:
        parts: list[str] = []
        for i in range(MAX_ARRAYS):
            if f"{name}{i}" not in at.attrs:
                break
            part = _attribute(at, f"{name}{i}")
            parts += [part] if isinstance(part, str) else part or []
        return parts or None
    raw = h5py.h5a.open(at.id, name.encode())
    size = raw.get_space().get_simple_extent_npoints() * raw.get_type().get_size()
    if size > MAX_ATTRIBUTE:
        raise _fault(Path(), f"Its attribute {name} has {size:,} bytes.")
    found = at.attrs[name]
    if isinstance(found, np.ndarray):
        return [_text(one) for one in found.reshape(-1).tolist()]
    return _text(found)


def _text(found: Any) -> str:
    return found.decode("utf-8") if isinstance(found, bytes) else str(found)


def _name(layer: dict[str, Any]) -> str:
    return str(layer.get("name", layer["config"].get("name")))


def _snake(name: str) -> str:
    """Return a class's name as Keras writes it: "InputLayer" as "input_layer", "LSTM" as "lstm"."""
    parted = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", parted).lower()


def _fault(path: Path, sentence: str) -> ModelError:
    return ModelError(str(path), [sentence])
