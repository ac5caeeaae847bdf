"""This program beside other engines: the same work, weights, machine and number of threads, in alternation.

    .venv/bin/python -m tests.bench.peers_models MODELS            # once: the random models, by our own exporters
    PYTHON -m tests.bench.peers --models MODELS --ours .venv/bin/s2s --node NODE --json FILE
    .venv/bin/python -m tests.bench.chart FILE resources/peers.svg

PYTHON has the peers: ``pip install torch transformers ctranslate2 fxtranslate slimt keras sentencepiece safetensors``
(tried: 5.23.0, 4.8.5, 0.5.0, 0.1.0, 3.15.1). NODE is a folder in which ``npm install @browsermt/bergamot-translator``
was called (0.4.9). A peer that cannot be loaded is named under "skipped", with the reason; ``--only`` takes some works.

Each round asks a peer and then ours. Compared is the time for a token put out, since Bergamot's engines run to limits
of their own: of one sentence, ours is asked for as many tokens; in a document it has its own limit. A ratio is
ours / peer within a round, below 1 where ours is quicker. Wall time and, where both tell it, processor time. For a
document CTranslate2 first tries several sizes of batches and shares of its threads, and keeps the best.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path

from tests.bench.peers_engines import Answer, Job

CTRANSLATE2 = ("CTranslate2 int8", "CTranslate2 float32")
WEBASSEMBLY = "Bergamot WebAssembly"
ONE_THREADED = ("fxtranslate",)
BATCHES = (512, 1024, 2048)
CHINESE = "今天天气很好，我们打算下午去公园里散步，然后再一起吃晚饭。"
OURS = Path(__file__).parents[2] / "models" / "zh-en-lstm"


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do: ``text`` of which size's texts, ``ours`` and ``theirs`` the model's folders by size."""

    name: str
    text: str
    ours: str
    theirs: dict[str, str]
    beam: int = 1
    threads: int = 1
    is_document: bool = False
    tokens: int = 30


OPUS = {CTRANSLATE2[0]: "opus/ctranslate2", CTRANSLATE2[1]: "opus/ctranslate2", "transformers float32": "opus/hf"}
TINY = {"fxtranslate": "tiny/bergamot", "slimt": "tiny/bergamot"}
WORKS = (
    Work("OPUS-MT size, a sentence, greedy", "opus", "opus/native", OPUS),
    Work("OPUS-MT size, a sentence, beam 4", "opus", "opus/native", OPUS, beam=4),
    Work("Firefox tiny size, a sentence, shortlist", "tiny", "tiny/bergamot", TINY | {WEBASSEMBLY: "tiny/bergamot"}),
    Work(
        "Firefox tiny size, a sentence, all words",
        "tiny",
        "tiny/bergamot-whole",
        {"fxtranslate": "tiny/bergamot-whole"},
    ),
    Work("LSTM with attention, a sentence", "", str(OURS), {"Keras": str(OURS)}, tokens=20),
    Work(
        "OPUS-MT size, a document, 2 threads",
        "opus",
        "opus/native",
        {name: OPUS[name] for name in CTRANSLATE2},
        threads=2,
        is_document=True,
    ),
    Work("Firefox tiny size, a document, 2 threads", "tiny", "tiny/bergamot", TINY, threads=2, is_document=True),
)


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of the rounds."""

    median: float
    least: float
    greatest: float


@dataclass(frozen=True, slots=True)
class Compared:
    """Ours beside one peer; times are microseconds for a token put out.

    ``agree``: how many of the sentence's first tokens are the same in 32 bits here, None where it was not asked.
    ``setting``: what was chosen for the peer.
    """

    work: str
    peer: str
    threads: int
    tokens: int
    ours: Spread
    theirs: Spread
    ratio: Spread
    ours_cpu: Spread | None
    theirs_cpu: Spread
    cpu_ratio: Spread | None
    agree: int | None
    setting: str


@dataclass(slots=True)
class Report:
    """All that was measured; ``skipped`` gives for a work and a peer the reason."""

    machine: str
    rounds: int
    compared: list[Compared] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one job took: microseconds a token, wall and, where known, processor time; the tokens put out."""

    wall: float
    cpu: float | None
    tokens: int


class PeerFailed(Exception):
    """A peer could not be loaded or went away; the text is its last words."""


class Peer:
    """One engine in as many processes as ``count``, which share a document's lines."""

    def __init__(self, command: Sequence[str], count: int, threads: int) -> None:
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="false")
        environment |= {"KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (as long as the processes)
        self.processes = [
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment
            )
            for _ in range(count)
        ]

    def ask(self, job: Job) -> tuple[list[Answer], float]:
        """Return every process's answer to its share of ``job``, and the wall time of all in milliseconds."""
        count = len(self.processes)
        began = time.perf_counter()
        try:
            for place, process in enumerate(self.processes):
                assert process.stdin is not None
                process.stdin.write(json.dumps(asdict(replace(job, lines=job.lines[place::count]))) + "\n")
                process.stdin.flush()
            found = [Answer(**json.loads(one.stdout.readline())) for one in self.processes if one.stdout is not None]
        except (BrokenPipeError, ValueError):
            raise PeerFailed(self._last_words()) from None
        return found, 1000 * (time.perf_counter() - began)

    def close(self) -> None:
        """End the processes."""
        for process in self.processes:
            process.kill()
            process.communicate()
        self.log.close()

    def _last_words(self) -> str:
        self.processes[0].wait(10)
        self.log.seek(0)
        return (self.log.read().strip().splitlines() or [f"exit status {self.processes[0].returncode}"])[-1]


class Ours:
    """This program's command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def sentence(self, model: str, source: str, work: Work, tokens: int, repeat: int) -> Taken:
        """Time one warm sentence."""
        options = ["--source", source, "--beam", str(work.beam), "--tokens", str(tokens), "--repeat", str(repeat)]
        found = self._json(["bench", "decode", "--model", model, *options], work.threads)
        count = round(found["tokens"])
        return Taken(1000 * found["median_ms"] / count, 1000 * found["median_cpu_ms"] / count, count)

    def document(self, model: str, lines: Sequence[str], work: Work) -> Taken:
        """Time a document."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            found = self._json(["bench", "document", "--model", model, "--input", file.name], work.threads)
        count = round(found["tokens"])
        return Taken(1e6 * found["seconds"] / count, None, count)

    def _json(self, arguments: Sequence[str], threads: int) -> dict[str, float]:
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        command = [self.command, *arguments, "--threads", str(threads), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
        found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
        return found

    def tokens(self, model: str, source: str) -> list[str]:
        """Return the tokens of a greedy translation in 32 bits."""
        languages = ("zh", "en") if source == CHINESE else ("en", "de")
        command = [self.command, "translate", "--model", model, "--from", languages[0], "--to", languages[1]]
        command += ["--beam", "1", "--precision", "fp32", "--json"]
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
        return [token["text"] for token in json.loads(done.stdout)["tokens"]]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all comparisons share."""

    ours: Ours
    models: Path
    texts: dict[str, dict[str, list[str]]]
    node: Path
    rounds: int
    repeat: int
    lines: int

    def compare(self, work: Work, name: str) -> Compared:
        """Compare ours with one peer at one work, in alternation."""
        peer = self._opened(work, name)
        model = str(self.models / work.ours)
        try:
            if work.is_document:
                lines = self.texts[work.text]["document"][: self.lines]
                first = self.ours.document(model, lines, work)
                job = self._best(peer, work, name, Job(lines, round(first.tokens / len(lines))))
                return self._rounds(work, name, peer, job, lambda _: self.ours.document(model, lines, work), None)
            source = str(self.texts[work.text]["sentence"]) if work.text else CHINESE
            job = Job([source], work.tokens, work.beam, self.repeat)
            warm, _ = peer.ask(replace(job, repeat=1))
            agree = None
            if work.beam == 1:
                pairs = zip(warm[0].first, self.ours.tokens(model, source), strict=False)
                same = [theirs.lstrip("▁") == mine.lstrip("▁") for theirs, mine in pairs]
                agree = same.index(False) if False in same else len(same)

            def again(tokens: int) -> Taken:
                return self.ours.sentence(model, source, work, tokens, self.repeat)

            return self._rounds(work, name, peer, job, again, agree)
        finally:
            peer.close()

    def _rounds(
        self, work: Work, name: str, peer: Peer, job: Job, again: Callable[[int], Taken], agree: int | None
    ) -> Compared:
        theirs, ours = [], []
        for _ in range(self.rounds):
            theirs.append(taken(peer, job))
            ours.append(again(theirs[-1].tokens))
        pairs = list(zip(ours, theirs, strict=True))
        cpu = [mine.cpu for mine in ours if mine.cpu is not None]
        return Compared(
            work.name,
            name,
            work.threads,
            theirs[-1].tokens,
            spread([mine.wall for mine in ours]),
            spread([one.wall for one in theirs]),
            spread([mine.wall / one.wall for mine, one in pairs]),
            spread(cpu) if cpu else None,
            spread([one.cpu for one in theirs if one.cpu is not None]),
            spread([mine.cpu / one.cpu for mine, one in pairs if mine.cpu and one.cpu]) if cpu else None,
            agree,
            f"batches of {job.batch} source tokens, {job.replicas} at a time" if job.batch else "",
        )

    def _opened(self, work: Work, name: str) -> Peer:
        model = str(self.models / work.theirs[name])
        if name == WEBASSEMBLY:
            program = str(Path(__file__).with_name("peers_wasm.mjs"))
            return Peer(["node", program, str(self.node), model], 1, work.threads)
        engine = [sys.executable, "-m", "tests.bench.peers_engines", name, model]
        if name in ONE_THREADED:
            return Peer([*engine, "1"], work.threads, 1)
        return Peer([*engine, str(work.threads)], 1, work.threads)

    def _best(self, peer: Peer, work: Work, name: str, job: Job) -> Job:
        """Return ``job`` with the quickest batches and replicas; every engine has then been warmed up."""
        if name not in CTRANSLATE2:
            peer.ask(replace(job, lines=job.lines[:20]))
            return job
        tried = [
            replace(job, batch=batch, replicas=replicas) for batch, replicas in product(BATCHES, (1, work.threads))
        ]
        walls = []
        for one in tried:
            peer.ask(replace(one, lines=job.lines[:20]))
            walls.append(taken(peer, one).wall)
        return tried[walls.index(min(walls))]


def taken(peer: Peer, job: Job) -> Taken:
    """Let ``peer`` do ``job``; of several repetitions the median counts."""
    answers, wall = peer.ask(job)
    tokens = sum(answer.tokens for answer in answers)
    middle = statistics.median(answers[0].wall_ms) if len(answers) == 1 else wall
    cpu = sum(statistics.median(answer.cpu_ms) for answer in answers)
    return Taken(1000 * middle / tokens, 1000 * cpu / tokens, tokens)


def spread(values: Sequence[float]) -> Spread:
    return Spread(*(round(one, 4) for one in (statistics.median(values), min(values), max(values))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--ours", default="s2s", help="our command")
    parser.add_argument("--node", type=Path, default=Path())
    parser.add_argument("--only", default="", help="works whose name contains this")
    parser.add_argument("--quick", action="store_true", help="two rounds, 40 lines")
    parser.add_argument("--json", type=Path, required=True, help="where the report goes")
    arguments = parser.parse_args()
    texts = json.loads((arguments.models / "texts.json").read_text(encoding="utf-8"))
    rounds, repeat, lines = (2, 3, 40) if arguments.quick else (5, 9, 1000)
    bench = Bench(Ours(arguments.ours), arguments.models.resolve(), texts, arguments.node, rounds, repeat, lines)
    report = Report(f"{os.cpu_count()} x {platform.processor() or platform.machine()}", rounds)
    for work in WORKS:
        for name in work.theirs if arguments.only in work.name else ():
            try:
                one = bench.compare(work, name)
            except PeerFailed as error:
                report.skipped[f"{work.name}, {name}"] = str(error)
                print(f"{work.name:42} {name:22} skipped: {error}")
                continue
            report.compared.append(one)
            arguments.json.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
            cpu = f"{one.cpu_ratio.median:.2f}" if one.cpu_ratio else "-"
            print(
                f"{one.work:42} {one.peer:22} {one.ours.median:8.0f} {one.theirs.median:8.0f} us a token,"
                f" ratio {one.ratio.median:.2f} ({one.ratio.least:.2f} to {one.ratio.greatest:.2f}), cpu {cpu},"
                f" {one.tokens} tokens, {one.agree} agree {one.setting}",
                flush=True,
            )


if __name__ == "__main__":
    main()
