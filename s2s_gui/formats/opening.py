"""Any model file or folder to its description: the one place that knows all readers.

What a file is, is told by its content. An archive is unpacked into a folder that the caller gives and looked at there.
"""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from s2s_gui.cards import CARD, LFS_POINTER, card_faults, lfs_fault, range_faults
from s2s_gui.errors import ModelError
from s2s_gui.formats import archives, native
from s2s_gui.formats.huggingface.files import model_type
from s2s_gui.formats.native import Survey

if TYPE_CHECKING:
    from s2s_gui.formats.foreign import Reader

MOST_FILES = 200
ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip", ".gz", ".argosmodel", ".s2smodel")
UNFINISHED = (".part", ".partial", ".crdownload", ".download")
KNOWN_FORMATS = (
    "Hugging Face (MarianMT, M2M-100, NLLB), Marian npz, Firefox and translateLocally, CTranslate2, Argos, Keras,"
    " OpenNMT-py 3, PyTorch with a recipe beside it, and this program's own"
)
STARTS = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"7z\xbc\xaf", "a 7z archive, which must be unpacked first"),
    (b"Rar!", "a RAR archive, which must be unpacked first"),
)


def describe(path: Path, scratch: Path) -> Survey:
    """Return the model at ``path``, a file or a folder; its weights are still on the disk.

    ``scratch`` is an empty folder that must stay for as long as the description is used: archives are unpacked there.
    Raises ``ModelError`` if nothing can be said of the model; faults beside a description are in the survey.
    """
    if not path.exists():
        raise ModelError(str(path), ["There is no such file or folder."])
    if path.is_file():
        _refuse_what_is_no_model(path)
    found = _find(path)
    if found is None and archives.is_archive(path):
        inside = scratch / _stem(path.name)
        inside.mkdir(parents=True)
        archives.unpack(path, inside)
        found = _find(inside)
    if found is None:
        raise ModelError(str(path), [_unknown(path)])
    reader, place = found
    if reader is None:
        survey = native.survey(place)
        if survey.description is None:
            raise ModelError(str(path), list(survey.faults))
        return survey
    description = reader.read(place)
    return Survey(description, tuple(range_faults(description.card) or card_faults(description.card)))


def _find(path: Path) -> "tuple[Reader | None, Path] | None":
    """Return the reader for ``path`` and the file or folder it is to read; no reader stands for our own folders.

    A file that is a part of a model leads to its folder, a folder with one model in it to that.
    """
    places = [path]
    if path.is_dir():
        inner = sorted(islice(path.iterdir(), MOST_FILES))
        places += [child for child in inner if not child.name.startswith((".", "__MACOSX"))]
    else:
        places.append(path.parent)
    for place in places:
        if (place / CARD).is_file():
            return None, place
        # Imported here because our own models, which most starts open, need none of what it brings.
        from s2s_gui.formats.foreign import FOREIGN

        reader = next((reader for reader in FOREIGN if reader.recognises(place)), None)
        if reader is not None:
            return reader, place
    return None


def _stem(name: str) -> str:
    for ending in ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)] or "model"
    return name


def _refuse_what_is_no_model(path: Path) -> None:
    """Name the things that people take for models."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise ModelError(str(path), [f"{path.name} cannot be read ({error.strerror})."]) from error
    if start.startswith(LFS_POINTER):
        raise ModelError(str(path), [lfs_fault(path.name)])
    if not start or path.suffix in UNFINISHED:
        raise ModelError(str(path), [f"{path.name} is empty or only half there: wait until the download has ended."])
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise ModelError(
            str(path), [f"{path.name} is a web page and not a model: download the file that the page offers."]
        )
    for magic, kind in STARTS:
        if start.startswith(magic):
            raise ModelError(str(path), [f"{path.name} is {kind} and not a model."])


def _unknown(path: Path) -> str:
    """Say of something that no reader knows what it is, as far as can be told, and what would be read."""
    folder = path if path.is_dir() else path.parent
    kind = model_type(folder)
    if kind:
        return (
            f"config.json speaks of a model of type {kind!r}; of transformers' models marian and m2m_100 can be read."
        )
    if (folder / native.WEIGHTS).is_file():
        return f"{CARD} is missing beside {native.WEIGHTS}: copy the whole folder of the model."
    if path.is_file() and archives.is_cut(path):
        return f"{path.name} is only the beginning of an archive: download it again."
    if path.suffix in (".spm", ".model", ".vocab"):
        return f"{path.name} is a tokenizer or vocabulary; put it beside its model, and open that."
    if (folder / "model.bin").is_file() and path.is_dir():
        return "model.bin is there, but no vocabulary: source_vocabulary and target_vocabulary, or shared_vocabulary."
    return f"{path.name} is not a model of a known format, or is damaged at its beginning. Known are {KNOWN_FORMATS}."
