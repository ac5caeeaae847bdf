"""The other engines behind one method, each in a process of its own that ``peers.py`` starts and asks.

``python -m tests.bench.peers_engines NAME MODEL THREADS`` reads jobs, one JSON object a line, and answers each with a
line. Nothing of this program is imported here. The engine in WebAssembly speaks the same way in ``peers_wasm.mjs``.
"""

import importlib.machinery
import importlib.util
import json
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """Lines to translate ``repeat`` times to ``tokens`` tokens each, where the engine can be told so.

    ``batch`` (source tokens) and ``replicas`` are for engines that let one choose them: of ``threads`` threads each
    replica has its share. 0 leaves the choice to the engine.
    """

    lines: list[str]
    tokens: int
    beam: int = 1
    repeat: int = 1
    batch: int = 0
    replicas: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """Milliseconds of each repetition, wall and processor time of all threads; tokens put out in one of them.

    ``first``: the first line's tokens.
    """

    wall_ms: list[float]
    cpu_ms: list[float]
    tokens: int
    first: list[str]


class Engine(Protocol):
    """One engine with its model loaded."""

    def translate(self, job: Job) -> list[list[str]]:
        """Return the tokens of every line's translation, without the end symbol."""
        ...


class CTranslate2:
    """CTranslate2, which rounds the weights as ``precision`` says while it loads them."""

    def __init__(self, model: Path, threads: int, precision: str) -> None:
        import sentencepiece

        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(next(model.glob("*.spm"))))
        self.model, self.threads, self.precision = model, threads, precision
        self.replicas = 0
        self.translator: Any = None

    def translate(self, job: Job) -> list[list[str]]:
        if job.replicas != self.replicas:
            self.replicas = job.replicas
            self.translator = self._opened()
        done = self.translator.translate_batch(
            [[*pieces, "</s>"] for pieces in self.tokenizer.encode(job.lines, out_type=str)],
            beam_size=job.beam,
            min_decoding_length=job.tokens,
            max_decoding_length=job.tokens,
            max_batch_size=job.batch,
            batch_type="tokens",
        )
        return [one.hypotheses[0] for one in done]

    def _opened(self) -> Any:
        import ctranslate2

        return ctranslate2.Translator(
            str(self.model),
            device="cpu",
            compute_type=self.precision,
            inter_threads=self.replicas,
            intra_threads=max(1, self.threads // self.replicas),
        )


class Transformers:
    """Hugging Face transformers in float32, 32 lines of like length at a time."""

    ROWS = 32

    def __init__(self, model: Path, threads: int) -> None:
        import torch
        from transformers import MarianMTModel, MarianTokenizer

        torch.set_num_threads(threads)
        self.torch = torch
        self.tokenizer = MarianTokenizer.from_pretrained(str(model))
        self.model = MarianMTModel.from_pretrained(str(model)).eval()

    def translate(self, job: Job) -> list[list[str]]:
        found: list[list[str]] = []
        lines = sorted(job.lines, key=len)
        for at in range(0, len(lines), self.ROWS):
            batch = self.tokenizer(lines[at : at + self.ROWS], return_tensors="pt", padding=True)
            with self.torch.inference_mode():
                done = self.model.generate(
                    **batch,
                    num_beams=job.beam,
                    do_sample=False,
                    min_new_tokens=job.tokens,
                    max_new_tokens=job.tokens,
                )
            found += [self.tokenizer.convert_ids_to_tokens(row)[1:] for row in done.tolist()]
        return found


class FxTranslate:
    """fxtranslate, one line at a time to a limit of its own; it keeps to one thread."""

    def __init__(self, model: Path) -> None:
        import fxtranslate

        content = [one.read_bytes() for name in ("model", "vocab", "lex") for one in model.glob(f"{name}.*")]
        network, vocabulary, *shortlist = content
        self.engine = fxtranslate.Translator(network, vocabulary, vocabulary, shortlist[0] if shortlist else None)

    def translate(self, job: Job) -> list[list[str]]:
        return [self.engine.translate(line).split() for line in job.lines]


class Slimt:
    """slimt, all lines in one call; it cannot do without a shortlist."""

    def __init__(self, model: Path, threads: int) -> None:
        module = self._compiled_part()
        config = module.Config()
        config.encoder_layers, config.decoder_layers, config.num_heads = 6, 2, 8
        config.feed_forward_depth, config.split_mode = 2, "paragraph"
        files = [str(next(model.glob(f"{name}.*"))) for name in ("model", "vocab", "lex")]
        self.model = module.Model(config, module.Package(*files))
        self.service = module.Service(workers=threads, cache_size=0)

    def translate(self, job: Job) -> list[list[str]]:
        return [one.target.text.split() for one in self.service.translate(self.model, job.lines, False)]

    def _compiled_part(self) -> Any:
        """Load the package's compiled part by its path: the package itself asks the network for a list of models."""
        path = str(next((Path(sysconfig.get_paths()["platlib"]) / "slimt").glob("_slimt*.so")))
        loader = importlib.machinery.ExtensionFileLoader("_slimt", path)
        specification = importlib.util.spec_from_loader("_slimt", loader)
        assert specification is not None
        module = importlib.util.module_from_spec(specification)
        loader.exec_module(module)
        return module


class Keras:
    """Keras on torch: an LSTM model of this program, rebuilt from stock layers."""

    def __init__(self, model: Path, threads: int) -> None:
        import torch

        from tests.bench.peers_keras import KerasModel

        torch.set_num_threads(threads)
        self.model = KerasModel(model)

    def translate(self, job: Job) -> list[list[str]]:
        rows = [self.model.greedy(self.model.ids(line), job.tokens) for line in job.lines]
        return [[self.model.tokenizer.id_to_piece(id) for id in row] for row in rows]


ENGINES: dict[str, Callable[[Path, int], Engine]] = {
    "CTranslate2 int8": lambda model, threads: CTranslate2(model, threads, "int8"),
    "CTranslate2 float32": lambda model, threads: CTranslate2(model, threads, "float32"),
    "transformers float32": Transformers,
    "fxtranslate": lambda model, threads: FxTranslate(model),
    "slimt": Slimt,
    "Keras": Keras,
}


def answered(engine: Engine, job: Job) -> Answer:
    """Do a job."""
    walls, processor = [], []
    found: list[list[str]] = []
    for _ in range(job.repeat):
        began, cpu = time.perf_counter(), time.process_time()
        found = engine.translate(job)
        walls.append(1000 * (time.perf_counter() - began))
        processor.append(1000 * (time.process_time() - cpu))
    return Answer(walls, processor, sum(map(len, found)), found[0])


def main() -> None:
    name, model, threads = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # some engines print
    engine = ENGINES[name](Path(model), int(threads))
    for line in sys.stdin:
        print(json.dumps(asdict(answered(engine, Job(**json.loads(line))))), file=answers, flush=True)


if __name__ == "__main__":
    main()
