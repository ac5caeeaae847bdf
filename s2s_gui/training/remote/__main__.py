"""``python -m s2s_gui.training.remote``: pack a recipe, train from the pack, join what came back."""

import argparse
import sys
from pathlib import Path

from s2s_gui.errors import TranslatorError
from s2s_gui.training.remote import run
from s2s_gui.training.remote.join import figures, join
from s2s_gui.training.remote.pack import pack

TOKENS, WARM_UP = 32768, 300


def main(arguments: list[str]) -> int:
    """Run one of the commands and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m s2s_gui.training.remote", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="put code, recipe and token ids into one file")
    packing.add_argument("recipe", type=Path)
    packing.add_argument("pack", type=Path, help="the .zip to write")
    packing.add_argument("--tokens", type=int, default=TOKENS, help="places of an update, on each side")
    packing.add_argument("--warmup", type=int, default=WARM_UP, help="updates over which the rates rise")
    packing.add_argument("--pairs", type=int, default=0, help="of each corpus at most, for a trial")
    training = commands.add_parser("train", help="what python PACK does, for a trial here")
    training.add_argument("pack", type=Path)
    run.add_options(training)
    joining = commands.add_parser("join", help="make a run's folder of the pieces that came back, and measure it")
    joining.add_argument("pack", type=Path)
    joining.add_argument("pieces", type=Path, help="the folder that training wrote")
    joining.add_argument("run", type=Path, help="RUN/best is written")
    joining.add_argument("--recipe", type=Path, help="measure on its test sets")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "pack":
            pack(asked.recipe, asked.pack, asked.tokens, asked.warmup, asked.pairs)
            run.say(f"{asked.pack}: {asked.pack.stat().st_size / (1 << 20):.1f} MiB")
        elif asked.command == "train":
            return run.command(asked.pack, asked)
        else:
            join(asked.pack, asked.pieces, asked.run)
            run.say(figures(asked.recipe, asked.run) if asked.recipe else f"{asked.run / 'best'} is written.")
    except TranslatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
