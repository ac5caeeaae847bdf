"""``s2s train``: from a recipe's file to a trained model's folder; also what ``torchrun`` starts in each process."""

import ctypes
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import nn

from s2s_gui.errors import MissingExtra
from s2s_gui.training.recipe import read_recipe

if TYPE_CHECKING:
    from s2s_gui.training.trainer import Trainer

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def train(recipe: Path, out: Path, *, resume: bool, minutes: float | None) -> int:
    """Train and return the exit code; with several processes (``torchrun``) all of them call this."""
    try:
        from s2s_gui.training.trainer import Trainer  # its packages are an extra of the installation
    except ModuleNotFoundError as error:
        raise MissingExtra(f"Training needs {error.name}: pip install 's2s-gui[training]'.") from error
    keep_memory()
    torch.set_num_threads(1)
    plan = read_recipe(recipe)
    is_shared = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if is_shared:
        dist.init_process_group("gloo")
    try:
        trainer = Trainer(plan, recipe.parent, out, resume=resume)
        trainer.run(minutes)
        if is_shared:
            leave_together(trainer)
    except KeyboardInterrupt:
        sys.stderr.write(f"Stopped; go on with --resume from the last save in {out}.\n")
        return 130
    return 0


def leave_together(trainer: "Trainer") -> None:
    """End a shared run: no process may go while another still speaks to it, nor the group before its user."""
    trainer.objective = nn.Identity()  # lets go of DistributedDataParallel
    gc.collect()
    dist.barrier()
    dist.destroy_process_group()


def keep_memory() -> None:
    """Ask glibc to keep freed memory; giving each batch's buffers back to the system costs five per cent."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(M_MMAP_THRESHOLD, 1 << 30)
            libc.mallopt(M_TRIM_THRESHOLD, -1)
