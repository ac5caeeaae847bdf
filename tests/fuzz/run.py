"""Open damaged models without end, guided by coverage: ``python -m tests.fuzz.run TARGET [libFuzzer's options]``.

Needs Linux and atheris (``pip install atheris``), which is not among the program's own requirements. Run it in an empty
folder: the corpus grows in ``TARGET/corpus``, and inputs that do harm are written to ``TARGET/findings``; a crash of
the process leaves ``TARGET/crash-*``. The targets are in ``targets.py``. For five minutes of one::

    python -m tests.fuzz.run sentencepiece -max_total_time=300
"""

import sys
import tempfile
import warnings
from pathlib import Path

import atheris
import torch

READERS = ["s2s_gui.cards", "s2s_gui.formats", "s2s_gui.storage", "s2s_gui.text"]

with atheris.instrument_imports(include=READERS, enable_loader_override=False):
    from tests.fuzz.harness import Harness
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz the target named first; the other arguments are libFuzzer's."""
    name, *options = sys.argv[1:]
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    corpus, findings = Path(name, "corpus"), Path(name, "findings")
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        harness = Harness(TARGETS[name], Path(place), findings)
        for number, seed in enumerate(harness.seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        options += ["-rss_limit_mb=0", "-print_final_stats=1", f"-artifact_prefix={name}/", str(corpus)]
        atheris.Setup([sys.argv[0], *options], harness)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
