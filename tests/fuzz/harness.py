"""Opens damaged models and tells harm from a plain refusal.

Opening may succeed or raise ``ModelError``. Any other exception, more than 5 seconds, or memory of more than twice the
file's size and 64 MB is a finding.
"""

import hashlib
import sys
import time
import traceback
from pathlib import Path

from s2s_gui.engine.model import assemble
from s2s_gui.errors import ModelError
from s2s_gui.manage.opening import described
from tests.bench.opening import forget_peak, memory, peak
from tests.fuzz.targets import Target, contents, exchange

SECONDS = 5.0
SPARE_BYTES = 64 << 20
# With characters that SentencePiece's normalisation changes.
TEXT = "Hello, wörld! ①ﬁｱ é ㍿ ½ ＡＢＣ <2en> 你好"


class Harness:
    """Opens one target's model again and again with other content; one finding is kept for each place in the code."""

    def __init__(self, target: Target, place: Path, findings: Path) -> None:
        self._target = target
        self._findings = findings
        self._opened = target.make(place / "model")
        folder = self._opened if self._opened.is_dir() else self._opened.parent
        (self._file,) = folder.glob(target.name)
        self._valid = self._file.read_bytes()
        self._known: set[str] = set()
        self.seeds = contents(target, self._file)

    def __call__(self, content: bytes) -> None:
        exchange(self._target, self._file, self._valid, content)
        forget_peak()
        before, began = memory(), time.process_time()
        try:
            with described(self._opened) as found:
                assert found.description is not None
                model = assemble(found.description, found.faults)
            model.target.decode([piece.id for piece in model.source.encode(TEXT) if piece.id < model.target.size])
        except ModelError:
            pass
        except BaseException as error:
            frames = traceback.extract_tb(error.__traceback__)
            last = [frame for frame in frames if "s2s_gui" in frame.filename][-1]
            self._note(f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}", str(error), content)
        if (seconds := time.process_time() - began) > SECONDS:
            self._note("time", f"{seconds:.1f} s", content)
        if (taken := peak() - before) > 2 * len(content) + SPARE_BYTES:
            self._note("memory", f"{taken:,} bytes for {len(content):,}", content)

    def _note(self, place: str, what: str, content: bytes) -> None:
        if place not in self._known:
            self._known.add(place)
            name = hashlib.sha1(content).hexdigest()[:12]
            (self._findings / name).write_bytes(content)
            sys.stderr.write(f"FINDING {name}: {place}: {what[:300]}\n")
