"""When to translate while someone types: pure rules over times that are handed in, no Qt and no clock of its own.

Owns the measured speed (a running median) and rules P1 to P6: fast models start at once, slow ones wait for a pause
in proportion to the work; a job that is nearly done may end; shown text does not grow older than 1.5 s.
"""

import re
from collections import deque
from dataclasses import dataclass
from enum import Enum
from functools import cache

from s2s_gui.storage.settings import Pace

AT_ONCE_SECONDS = 0.08
PROMPT_SECONDS = 0.03
LONGEST_WAIT = {"calm": 0.6, "normal": 0.4, "eager": 0.2}
WAIT_SHARE = {"calm": 0.75, "normal": 0.5, "eager": 0.25}
CANCEL_SHARE = 0.35
FRESH_SECONDS = 1.5
FIRST_GUESS_SECONDS = 0.015
SAMPLE = 2000
SENTENCE_END = re.compile(r"[.!?…。！？\n]")


class Cause(Enum):
    """Why the text to translate changed."""

    TYPED = "typed"
    SENTENCE_END = "sentence end"
    PASTED = "pasted"
    COMMITTED = "committed"
    DIRECTION = "direction"
    ASKED = "asked"


@dataclass(slots=True)
class Job:
    """A running translation: when it began and how long it should take, in seconds."""

    since: float
    cost: float


class Pacer:
    """Decide when the changed text should be sent and whether the running job is worth ending."""

    def __init__(self, pace: Pace = "normal") -> None:
        self.pace: Pace = pace
        self._token_seconds: deque[float] = deque(maxlen=9)
        self._start_seconds: deque[float] = deque(maxlen=9)
        self._is_cold = True
        self._job: Job | None = None
        self._due: float | None = None
        self._after_job = False
        self._outdated_since: float | None = None
        self._outdated_again_since: float | None = None

    def forget_speed(self) -> None:
        """A different model is loaded: measure anew, without its first run, which warms it up (P6)."""
        self._token_seconds.clear()
        self._start_seconds.clear()
        self._is_cold = True

    def measured(self, tokens: int, first_token_seconds: float, seconds: float) -> None:
        """Take the figures of a finished job (P6); one without new tokens tells nothing."""
        if tokens <= 0:
            return
        if self._is_cold:
            self._is_cold = False
            return
        self._start_seconds.append(first_token_seconds)
        self._token_seconds.append(max(0.0, seconds - first_token_seconds) / max(1, tokens - 1))

    def cost(self, tokens: int) -> float:
        """Return the seconds that ``tokens`` new tokens should take."""
        return _middle(self._start_seconds) + tokens * _middle(self._token_seconds)

    def edited(self, now: float, cause: Cause, tokens: int) -> bool:
        """Note a change that needs ``tokens`` new tokens; return whether the running job should end now."""
        if self._outdated_since is None:
            self._outdated_since = now
        if self._job is not None and self._outdated_again_since is None:
            self._outdated_again_since = now
        is_old = now - self._outdated_since > FRESH_SECONDS and self.pace != "calm"
        self._due = now if is_old else now + self._wait(cause, self.cost(tokens))
        self._after_job = False
        if self._job is None:
            return False
        ends_job = cause is Cause.ASKED or cause is Cause.DIRECTION
        if not ends_job and not is_old:
            left = 1.0 - (now - self._job.since) / self._job.cost if self._job.cost > 0 else 0.0
            ends_job = left > CANCEL_SHARE
        self._after_job = not ends_job
        return ends_job

    def _wait(self, cause: Cause, cost: float) -> float:
        """Return the pause before a start (P2, P3)."""
        if cause in (Cause.ASKED, Cause.DIRECTION):
            return 0.0
        if cost < AT_ONCE_SECONDS:
            return 0.0
        if cause is not Cause.TYPED:
            return PROMPT_SECONDS
        return min(max(WAIT_SHARE[self.pace] * cost, PROMPT_SECONDS), LONGEST_WAIT[self.pace])

    def start_time(self) -> float | None:
        """Return when to send the text, ``None`` if nothing waits or the running job may end first."""
        if self._job is not None and self._after_job:
            return None
        return self._due

    def started(self, now: float, tokens: int) -> None:
        """Note that the present text was sent."""
        self._job = Job(now, self.cost(tokens))
        self._due = None
        self._after_job = False
        self._outdated_again_since = None

    def ended(self, is_finished: bool) -> None:
        """Note that the running job is over; one that was not finished has brought nothing up to date."""
        self._job = None
        self._after_job = False
        if is_finished:
            self._outdated_since = self._outdated_again_since

    def forget_text(self) -> None:
        """Nothing waits any longer: the text is empty or the user has stopped."""
        self._due = None
        self._after_job = False
        self._outdated_since = None


def estimated_tokens(text: str) -> int:
    """Guess how many tokens a translation of ``text`` has: 0.8 for each Han, kana or Hangul, else 0.3.

    Of a long text only the beginning is looked at, so that the guess never takes time itself.
    """
    looked_at = text[:SAMPLE]
    wide = len(_wide().findall(looked_at))
    guess = 0.8 * wide + 0.3 * (len(looked_at) - wide)
    return max(1, round(guess * len(text) / max(1, len(looked_at))))


@cache
def _wide() -> re.Pattern[str]:
    # Compiled when first needed: such wide ranges take milliseconds, and the window should be there by then.
    return re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


def _middle(values: deque[float]) -> float:
    """Return the middle one of some measured times, the upper of two, or a guess if there are none."""
    return sorted(values)[len(values) // 2] if values else FIRST_GUESS_SECONDS


def changed_text(old: list[str], new: list[str]) -> str:
    """Return the sentences of ``new`` that are not in ``old`` (P1), found from both ends of the lists of lines."""
    first, behind = changed_lines(old, new)
    middle = new[first : len(new) - behind]
    if len(middle) != 1 or len(old) - behind - first != 1:
        return "\n".join(middle)
    before, after = old[first], middle[0]
    limit = min(len(before), len(after))
    start = next((at for at in range(limit) if before[at] != after[at]), limit)
    rest = limit - start
    tail = next((at for at in range(rest) if before[-1 - at] != after[-1 - at]), rest)
    begin = max((match.end() for match in SENTENCE_END.finditer(after, 0, start)), default=0)
    end = SENTENCE_END.search(after, max(start, len(after) - tail - 1))
    return after[begin : end.end() if end else len(after)]


def changed_lines(old: list[str], new: list[str]) -> tuple[int, int]:
    """Return how many lines are alike at the beginning and, of the rest, at the end."""
    limit = min(len(old), len(new))
    first = next((at for at in range(limit) if old[at] != new[at]), limit)
    rest = limit - first
    behind = next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)
    return first, behind
