"""Stand-ins for the engine: tasks whose speed, failures and gates a test holds in its hands."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from s2s_gui.description import Direction, Language, ModelCard, RecurrentConfig, TokenizerFiles
from s2s_gui.errors import ModelError
from s2s_gui.messages import (
    About,
    Described,
    DescribeModel,
    Finished,
    Imported,
    ImportModel,
    Line,
    LoadModel,
    ModelReady,
    ModelUnloaded,
    Partial,
    Progress,
    Request,
    Result,
    Translate,
    UnloadModel,
    Update,
    Verified,
    VerifyModel,
)
from s2s_gui.storage.library import Installed

# A test that waits for longer has failed; most wait for a few milliseconds, but machines can be busy.
PATIENCE_MS = 60_000

ENGLISH, CHINESE = Language("en"), Language("zh", "Hans")


def card(name: str = "Small fake", directions: tuple[Direction, ...] = ()) -> ModelCard:
    """Return the card of a model that goes both ways."""
    both = (Direction(ENGLISH, CHINESE, "<2zh>"), Direction(CHINESE, ENGLISH, "<2en>"))
    return ModelCard(
        id=name.replace(" ", "-"),
        name=name,
        directions=directions or both,
        network=RecurrentConfig(10, 10),
        tokenizer=TokenizerFiles("s.spm", "s.spm"),
        licence="MIT",
    )


class FakeTasks:
    """Translates to capitals, in square brackets with the target's language, a word at a time.

    ``gate`` is passed before every word; close it to hold a translation in the middle. ``seconds`` is the time a word
    takes. Texts with "boom" raise a fault; folders called "broken" cannot be loaded.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.seconds = seconds
        self.requests: list[Request] = []
        self.closed: list[int] = []
        self.started = threading.Semaphore(0)

    def make(self) -> Callable[[Request], Iterator[Update]]:
        return self.run

    def run(self, request: Request) -> Iterator[Update]:
        self.requests.append(request)
        self.started.release()
        if isinstance(request, LoadModel):
            return self._load(request)
        if isinstance(request, UnloadModel):
            return iter((ModelUnloaded(request.number),))
        assert isinstance(request, Translate)
        return self._translate(request)

    def texts(self) -> list[str]:
        """Return the texts that were begun."""
        return [request.text for request in self.requests if isinstance(request, Translate)]

    def _load(self, request: LoadModel) -> Iterator[Update]:
        name = Path(request.folder).name
        if name == "broken":
            raise ModelError(request.folder, ["weights.safetensors is missing."])
        used = "int8" if request.precision == "auto" else request.precision
        yield ModelReady(request.number, request.folder, card(name), 0.1, 1000, used)

    def _translate(self, request: Translate) -> Iterator[Update]:
        began = time.perf_counter()
        first = 0.0
        count = 0
        lines = request.text.split("\n")
        done = []
        try:
            for number, line in enumerate(lines):
                whole = translated(line, request.target)
                words = whole.split(" ")
                for end in range(1, len(words)):
                    self.gate.wait(10)
                    if self.seconds:
                        time.sleep(self.seconds)
                    if "boom" in line:
                        raise RuntimeError("the fake engine broke")
                    count += 1
                    first = first or time.perf_counter() - began
                    stable = " ".join(words[: end - 1]) + (" " if end > 1 else "")
                    yield Partial(request.number, number, len(lines), stable, words[end - 1], False)
                self.gate.wait(10)
                yield Partial(request.number, number, len(lines), whole, "", True)
                done.append(Line(line, whole, ()))
        finally:
            self.closed.append(request.number)
        text = "\n".join(line.text for line in done)
        seconds = time.perf_counter() - began
        yield Finished(request.number, Result(text, tuple(done), seconds, first, max(1, count)))


class FakeFiles:
    """Describes, imports and verifies without any file. ``gate`` is passed before every step of an import.

    Files called "broken" are no models, "unlucky" ones fail at the import, "faulty" ones cannot be used. What was
    imported is in ``added``.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.faults: tuple[str, ...] = ()
        self.requests: list[Request] = []
        self.added: list[Installed] = []
        self.closed: list[int] = []

    def make(self) -> Callable[[Request], Iterator[Update]]:
        return self.run

    def run(self, request: Request) -> Iterator[Update]:
        self.requests.append(request)
        if isinstance(request, DescribeModel):
            return self._describe(request)
        if isinstance(request, ImportModel):
            return self._import(request)
        assert isinstance(request, VerifyModel)
        return iter((Progress(request.number, 1, 1), Verified(request.number, request.folder, self.faults)))

    def _describe(self, request: DescribeModel) -> Iterator[Update]:
        name = Path(request.path).stem
        if name == "broken":
            raise ModelError(request.path, ["It is a picture and not a model."])
        yield Progress(request.number, 1, 2)
        faults = ("The vocabulary does not fit.",) if name == "faulty" else ()
        yield Described(
            request.number,
            About(request.path, card(name), "Fake", "int8", 3_000_000, 80_000_000, 4_000_000_000, "ab" * 32, faults),
        )

    def _import(self, request: ImportModel) -> Iterator[Update]:
        name = Path(request.path).stem
        try:
            for step in range(4):
                self.gate.wait(10)
                yield Progress(request.number, step, 4)
        finally:
            self.closed.append(request.number)
        if name == "unlucky":
            raise ModelError(request.path, ["The trial sentence failed."])
        folder = Path("/models") / name
        was_there = any(one.folder == folder for one in self.added)
        if not was_there:
            self.added.append(Installed(folder, card(name), "", is_own=True))
        yield Imported(request.number, str(folder), card(name), was_there)


def translated(line: str, target: str) -> str:
    """Return what the fake engine makes of ``line``."""
    return f"[{target}] {line.upper()}" if line.strip() else line


def models(*names: str) -> Callable[[], list[Installed]]:
    """Return a listing of models called ``names``."""
    return lambda: [Installed(Path("/models") / name, card(name), "") for name in names]
