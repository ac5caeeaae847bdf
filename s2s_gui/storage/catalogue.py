"""The models of Firefox as their public repository lists them: which files each has, with sizes and hashes.

Facts from mozilla/firefox-translations-models in its last state, December 2025.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache

from s2s_gui import paths

FIREFOX_PAGE = "https://github.com/mozilla/firefox-translations-models/tree/main/models"


@dataclass(frozen=True, slots=True)
class Download:
    """A file to download; ``sha256`` in hexadecimal digits."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FirefoxModel:
    """One model: ``pair`` is two language codes, "zhen"; ``kind`` its size, "tiny", "base" or "base-memory"."""

    pair: str
    kind: str
    files: tuple[Download, ...]

    @property
    def page(self) -> str:
        return f"{FIREFOX_PAGE}/{self.kind}/{self.pair}"

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


@lru_cache(maxsize=1)
def firefox() -> tuple[FirefoxModel, ...]:
    """Return all models of the table, the largest of each pair first."""
    found: dict[tuple[str, str], list[Download]] = {}
    with (paths.shipped("resources") / "catalogue" / "firefox.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            file = Download(row["file"], int(row["bytes"]), row["sha256"])
            found.setdefault((row["pair"], row["kind"]), []).append(file)
    models = [FirefoxModel(pair, kind, tuple(files)) for (pair, kind), files in found.items()]
    return tuple(sorted(models, key=lambda model: (model.pair, -model.bytes)))
