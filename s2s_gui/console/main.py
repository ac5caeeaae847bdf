"""The command ``s2s``: its subcommands and their options, and what becomes of errors.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. torch and training are imported only by the commands
that need them.
"""

import argparse
import os
import sys
from pathlib import Path

import s2s_gui
from s2s_gui.console import models
from s2s_gui.console.usage import UsageError, at_least, sampling
from s2s_gui.errors import TranslatorError

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

JSON_HELP = """With --json, one object is printed for each input line: source, text, score (mean over its sentences),
source_tokens, tokens (text, logprob), alignment (triples: source index, target index, weight), hypotheses with
--nbest, stopped ("", "length" or "loop"), ms. Indices count over the line's source_tokens and tokens, which run through
its sentences; end symbols and direction tags are among them."""


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
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
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), FAILED)
    return code


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "models":
        return models.info(arguments.model, arguments.json) if arguments.models_command else models.table()
    if arguments.command == "translate":
        from s2s_gui.console import translate  # imports torch

        return translate.command(arguments)
    if arguments.command == "train":
        from s2s_gui.training.command import train  # imports torch

        return train(recipe=arguments.recipe, out=arguments.out, resume=arguments.resume, minutes=arguments.minutes)
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
    _add_translate(commands.add_parser("translate", help="translate files or standard input", epilog=JSON_HELP))
    _add_models(commands.add_parser("models", help="list the models, or show one"))
    _add_train(commands.add_parser("train", help="train a model from a recipe"))
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
    parser.add_argument("--stream", action="store_true", help="show text as it is decoded, line by line")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


def _add_models(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="models_command", metavar="COMMAND")
    one = commands.add_parser("info", help="show a model's card")
    one.add_argument("model", metavar="ID|PATH")
    one.add_argument("--json", action="store_true", help="print the card as JSON")


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path, metavar="RECIPE.toml")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the run is kept")
    parser.add_argument("--resume", action="store_true", help="go on with the run in DIR")
    parser.add_argument("--minutes", type=float, metavar="N", help="end well after N minutes")


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
