"""The command ``s2s``: its subcommands and their options, and what becomes of errors.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. torch and training are imported only by the commands
that need them.
"""

import argparse
import io
import os
import sys
from pathlib import Path
from typing import TextIO, cast

import s2s_gui
from s2s_gui.console import models
from s2s_gui.console.usage import FORMS, UsageError, at_least, sample_file, sampling
from s2s_gui.errors import TranslatorError

Raw = argparse.RawDescriptionHelpFormatter
DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

TRANSLATE_HELP = """\
Plain output has the input's lines, line ends and outer blanks. --stream writes while it decodes; use it also behind
a pipe that stays open, since plain output is written after every 256 lines.

--json prints one object for each input line, always as UTF-8:
  source         the line
  text           its translation, or the line itself where nothing is to be translated
  score          log-probability divided by length to the power A; the mean over the line's sentences, 0 for a copy
  source_tokens  what the network read: for each sentence a direction tag, pieces, the end symbol; an address, code or
                 an emoji is one token where the model knows to copy such
  tokens         what it wrote: objects with text and logprob (natural logarithm), the end symbol last,
                 with confidence (0 to 1) where the model's card says how far its probabilities can be believed
  alignment      lists of source index, target index, weight; the indices count through source_tokens and tokens;
                 links of weight 0.1 and more and the strongest of each token, none from a network without attention
  stopped        "" for the natural end, "length" at the limit, "loop" where a repetition was cut
  ms             milliseconds that the line took
  hypotheses     with --nbest N of 2 and more: N objects with text, score, tokens, best first; a model that goes
                 both ways ranks them also by the way back, so the scores need not fall
A line without words (empty, numbers, an address) is copied and has no tokens.
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _open_what_is_closed()
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
        code = _run(arguments)
        sys.stdout.flush()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else DONE
    except UsageError as error:
        return _fail(f"{error}\nTry s2s {arguments.command} --help.", WRONG_USAGE)
    except TranslatorError as error:
        return _fail(str(error), FAILED)
    except KeyboardInterrupt:
        return _fail("stopped", INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        return FAILED
    except OSError as error:
        return _fail(
            f"{error.filename}: {error.strerror}" if error.filename else (error.strerror or str(error)), FAILED
        )
    return code


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "models":
        return models.command(arguments)
    if arguments.command == "translate":
        from s2s_gui.console import request

        wanted = request.asked(arguments)
        from s2s_gui.console import translate  # imports torch

        return translate.command(arguments, wanted)
    if arguments.command == "train":
        from s2s_gui.training.command import train  # imports torch

        return train(recipe=arguments.recipe, out=arguments.out, resume=arguments.resume, minutes=arguments.minutes)
    if arguments.command == "bench":
        return _bench(arguments)
    from s2s_gui.training import evaluate  # imports torch

    return evaluate.command(
        model=arguments.model,
        source=arguments.src,
        references=arguments.ref,
        source_language=arguments.source,
        target_language=arguments.target,
        beam=arguments.beam,
        lowercase=arguments.lowercase,
    )


def _bench(arguments: argparse.Namespace) -> int:
    # All three import torch.
    if arguments.bench_command in ("decode", "document"):
        from s2s_gui.console import bench

        return bench.command(arguments)
    if arguments.bench_command == "typing":
        from s2s_gui.console import bench_typing

        return bench_typing.command(arguments)
    from s2s_gui.console import bench_all

    return bench_all.command(arguments)


def _open_what_is_closed() -> None:
    """Give a program that was started without standard input or output ("<&-") empty ones, and let no name fail it."""
    if sys.stdin is None:
        sys.stdin = _nothing("r")
    if sys.stdout is None:
        sys.stdout = _nothing("w")
    if sys.stderr is None:
        sys.stderr = _nothing("w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _nothing(mode: str) -> TextIO:
    return cast("TextIO", os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _fail(message: str, code: int) -> int:
    print(f"s2s: {message}", file=sys.stderr)
    return code


def _drop_output() -> None:
    """Send what is still buffered to nowhere, since the reader has gone."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except OSError:
        return


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="s2s", description="Translate offline with sequence-to-sequence models.")
    parser.add_argument("--version", action="version", version=f"s2s {s2s_gui.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_translate(
        commands.add_parser(
            "translate", help="translate files or standard input", epilog=TRANSLATE_HELP, formatter_class=Raw
        )
    )
    _add_models(commands.add_parser("models", help="list the models, or show one"))
    _add_train(commands.add_parser("train", help="train a model from a recipe"))
    _add_bench(commands.add_parser("bench", help="measure how quick a model is here"))
    _add_evaluate(commands.add_parser("evaluate", help="measure a model's BLEU and chrF on a test set"))
    return parser


def _add_translate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="UTF-8 text; standard input if absent or -")
    parser.add_argument("--model", metavar="ID|PATH", help="the model; else the first that goes the wanted way")
    _add_languages(parser)
    parser.add_argument("--beam", type=at_least(1), metavar="N", help="width of the beam, 1 for greedy search")
    parser.add_argument("--nbest", type=at_least(1), metavar="N", help="give the N best hypotheses (with --json)")
    parser.add_argument(
        "--sample",
        type=sampling,
        metavar="KEY=VALUE,...",
        help="draw at random: temperature, top_k, top_p, seed (for example temperature=0.7,top_p=0.9,seed=1)",
    )
    parser.add_argument("--length-penalty", type=float, metavar="A", help="a score is divided by length to the power A")
    parser.add_argument("--prefix", default="", metavar="TEXT", help="what each line's translation must begin with")
    parser.add_argument(
        "--precision",
        choices=("auto", "fp32", "int8"),
        default="auto",
        help="of the products (--stream, --json); auto takes what is quicker here",
    )
    parser.add_argument(
        "--no-shortlist",
        dest="shortlist",
        action="store_false",
        help="look through the whole vocabulary, also where the model lists the likely words of a sentence",
    )
    parser.add_argument(
        "--threads", type=at_least(0), default=0, metavar="T", help="decode plain output with T threads; 0: one a core"
    )
    parser.add_argument("--tokens", action="store_true", help="take and give tokens with blanks between")
    parser.add_argument("--stream", action="store_true", help="show text as it is decoded")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


def _add_models(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="models_command", metavar="COMMAND")
    one = commands.add_parser("info", help="show what a model is, also one that is not installed")
    one.add_argument("model", metavar="ID|PATH")
    one.add_argument("--json", action="store_true", help="print the card as JSON")
    one = commands.add_parser("import", help="take model files of any known format into the library")
    one.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a file, folder or archive as downloaded")
    one.add_argument("--link", action="store_true", help="leave the files where they are")
    one = commands.add_parser("remove", help="delete one of your own models")
    one.add_argument("model", metavar="ID")
    one = commands.add_parser("verify", help="compare models with the hashes of their import, and try them")
    one.add_argument("models", nargs="*", metavar="ID|PATH", help="all installed models if none is named")
    one = commands.add_parser("rename", help="give one of your own models another name")
    one.add_argument("model", metavar="ID")
    one.add_argument("name", metavar="NAME")
    one = commands.add_parser("export", help="write a model in another program's format")
    one.add_argument("model", metavar="ID|PATH")
    one.add_argument("--to", required=True, choices=FORMS, help="the format")
    one.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="a folder that is not there yet; with native also NAME.s2smodel, one file to hand on",
    )
    one.add_argument(
        "--samples",
        action="append",
        default=[],
        type=sample_file,
        metavar="xx=FILE",
        help="sentences of language xx for Bergamot's 8-bit form; from 1,000 lines on also for its shortlist",
    )


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path, metavar="RECIPE.toml")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the run is kept")
    parser.add_argument("--resume", action="store_true", help="go on with the run in DIR")
    parser.add_argument("--minutes", type=float, metavar="N", help="end well after N minutes")


def _add_bench(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="bench_command", metavar="COMMAND")
    whole = commands.add_parser("all", help="all of it, and the start of the window (the default)")
    for each in (parser, whole):
        # What stands before the command counts too.
        unsaid = None if each is parser else argparse.SUPPRESS
        each.add_argument("--model", default=unsaid, metavar="ID|PATH", help="the model; else the first installed one")
        each.add_argument("--json", action="store_true", default=unsaid, help="print one JSON object")
    one = commands.add_parser("decode", help="one warm sentence, decoded to a given number of tokens")
    one.add_argument("--source", required=True, metavar="TEXT")
    one.add_argument("--beam", type=at_least(1), default=1, metavar="N")
    one.add_argument("--tokens", type=at_least(1), default=30, metavar="N", help="tokens that each run must give")
    one.add_argument("--repeat", type=at_least(1), default=20, metavar="R")
    document = commands.add_parser("document", help="a file, line by line, in batches")
    document.add_argument("--input", type=Path, required=True, metavar="FILE")
    typing = commands.add_parser("typing", help="a recorded typing session, with and without what is kept of it")
    for each in (one, document):
        each.add_argument("--threads", type=at_least(1), default=1, metavar="T")
    for each in (one, document, typing):
        each.add_argument("--model", required=True, metavar="ID|PATH")
        each.add_argument("--precision", choices=("auto", "fp32", "int8"), default="auto")
        each.add_argument("--json", action="store_true")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="id or path")
    parser.add_argument("--src", type=Path, required=True, metavar="F", help="source sentences, one a line")
    parser.add_argument("--ref", type=Path, required=True, nargs="+", metavar="F", help="reference translations")
    _add_languages(parser)
    parser.add_argument("--beam", type=at_least(1), metavar="N", help="width of the beam")
    parser.add_argument("--lowercase", action="store_true", help="compare without regard to case")


def _add_languages(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="source", metavar="xx", help="source language (zh, en, zh-Hans)")
    parser.add_argument("--to", dest="target", metavar="yy", help="target language")
