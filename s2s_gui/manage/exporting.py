"""Write a model in another program's format.

Bergamot's needs sample text: for the largest values that the network meets, since that form computes in 8 bits, and,
where there is enough of it, for a lexical shortlist from the alignments of the model's own translations.
"""

import shutil
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from s2s_gui import paths
from s2s_gui.description import Direction, ModelDescription, Shortlist
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.calibration import measure
from s2s_gui.engine.documents import translate_lines
from s2s_gui.engine.model import Model, assemble
from s2s_gui.engine.segments import make_task
from s2s_gui.engine.shortlist import build
from s2s_gui.errors import ExportError, ModelError
from s2s_gui.formats import native
from s2s_gui.formats.ctranslate2 import export as ctranslate2_export
from s2s_gui.formats.huggingface import marian_export as hf_marian_export
from s2s_gui.formats.marian import bergamot
from s2s_gui.formats.marian import npz as marian
from s2s_gui.formats.written import whole_folder
from s2s_gui.manage.opening import described
from s2s_gui.messages import DecodeOptions, Link

MEASURED = 200
ENOUGH = 1000
AT_ONCE = 256
GREEDY = DecodeOptions(beam_size=1)
ONE_FILE = ".s2smodel"


def export(model: Path, form: str, folder: Path, samples: Mapping[str, Path] | None = None) -> Path:
    """Write the model at ``model`` to ``folder``, which must not exist; return it.

    The form "native" with a name that ends in ``.s2smodel`` gives one file, to hand on to others.
    ``samples`` gives by language code files of sentences, one a line; without them those shipped are used. Raises
    ``ModelError`` if the model cannot be opened and ``ExportError`` naming what the format cannot hold.
    """
    with described(model) as found:
        description = found.description
        if description is None or found.faults:
            raise ModelError(str(model), list(found.faults))
        try:
            _write(description, form, folder, samples or {})
        except ModelError as error:
            raise ExportError(description.card.name, form, error.faults) from error
    return folder


def _write(description: ModelDescription, form: str, folder: Path, samples: Mapping[str, Path]) -> None:
    if form == "ctranslate2":
        ctranslate2_export.write(description, folder)
    elif form == "hf-marian":
        hf_marian_export.write(description, folder)
    elif form == "native":
        if folder.exists():
            raise ModelError(str(folder), [f"{folder} is there already: name a folder that is not."])
        if folder.suffix == ONE_FILE:
            with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
                native.write_description(description, Path(aside) / folder.stem)
                _pack(Path(aside) / folder.stem, folder)
        else:
            native.write_description(description, folder)
    elif form == "marian-npz":
        with whole_folder(folder) as aside:
            marian.write(description, aside)
    else:
        with whole_folder(folder) as aside:
            bergamot.write(description, aside / "first", {})  # refuses what it must before the long work begins
            shutil.rmtree(aside / "first")
            model = assemble(description)
            bergamot.write(description, aside, _multipliers(model, samples), _shortlist(model, samples))


def _pack(folder: Path, path: Path) -> None:
    """Put a folder into one file, a zip of stored members."""
    part = folder.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{folder.name}/{file.name}")
    part.replace(path)


def _texts(direction: Direction, samples: Mapping[str, Path]) -> list[str]:
    """Return the sample sentences for a direction, the shipped ones if none are given; perhaps none at all."""
    code = direction.source.code
    path = samples.get(code, paths.shipped("resources") / "samples" / f"{code}.txt")
    if not path.is_file():
        return []
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _multipliers(model: Model, samples: Mapping[str, Path]) -> dict[str, float]:
    """Return the activation multipliers that hold for every direction; none where a direction has no sample text."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for direction in model.card.directions:
        texts = _texts(direction, samples)[:MEASURED]
        if not texts:
            return {}
        for name, alpha in measure(model, direction, texts).items():
            found[name].append(alpha)
    return {name: min(alphas) for name, alphas in found.items()}


def _shortlist(model: Model, samples: Mapping[str, Path]) -> Shortlist | None:
    """Return a lexical shortlist, or None where the samples of some direction are too few for one."""
    if any(len(_texts(direction, samples)) < ENOUGH for direction in model.card.directions):
        return None
    return build(_aligned(model, samples), model.source.size, model.card.decoding.eos)


def _aligned(
    model: Model, samples: Mapping[str, Path]
) -> Iterator[tuple[Sequence[int], Sequence[int], Sequence[Link]]]:
    """Yield source ids, target ids and links of every sentence of the samples in the model's own translation."""
    for direction in model.card.directions:
        task = make_task(model, direction, GREEDY)
        texts = _texts(direction, samples)
        for at in range(0, len(texts), AT_ONCE):
            some = texts[at : at + AT_ONCE]
            steps = translate_lines(model, some, direction, GREEDY, SentenceCache())
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    lines = end.value
                    break
            for text, line in zip(some, lines, strict=True):
                for planned, segment in zip(task.plan(text), line.segments, strict=True):
                    if not planned.is_copied:
                        source = task.prepare(planned, forced=False).job.source
                        best = segment.hypotheses[0]
                        yield source, [token.id for token in best.tokens], best.alignment
