"""Training throughput on one core, in target tokens per second of processor time: ``python -m tests.bench.training``.

Random ids, both kinds of network at the size of the bundled models, the optimiser included, both precisions.
"""

import time

import torch

from s2s_gui.description import NetworkConfig, RecurrentConfig, TransformerConfig
from s2s_gui.networks.build import build
from s2s_gui.training.batches import make_batch
from s2s_gui.training.command import keep_memory
from s2s_gui.training.optimise import Optimisers
from s2s_gui.training.recipe import Schedule
from s2s_gui.training.trainer import Objective

VOCABULARY = 16000
UPDATES = 5


def tokens_per_second(config: NetworkConfig, precision: torch.dtype, schedule: Schedule, length: int) -> float:
    """Return target tokens per second of processor time over a few updates after a first one."""
    torch.manual_seed(0)
    network = build(config).to(precision)
    optimisers, objective = Optimisers(network, schedule), Objective(network, schedule.label_smoothing, None)
    ids = torch.randint(4, VOCABULARY, (schedule.tokens // length, 2, length)).tolist()
    batch = make_batch([(source, target) for source, target in ids], 0, -1)

    def update() -> None:
        objective(batch, 0.0)[0].backward()
        optimisers.step(1.0)

    update()
    began = time.process_time()
    for _ in range(UPDATES):
        update()
    return UPDATES * batch.target_tokens / (time.process_time() - began)


def main() -> None:
    """Print a table."""
    keep_memory()
    torch.set_num_threads(1)
    tiny = TransformerConfig(VOCABULARY, VOCABULARY)
    lstm = RecurrentConfig(VOCABULARY, VOCABULARY)
    rows: list[tuple[str, NetworkConfig, Schedule]] = [
        ("tiny, AdamW, 4,096 tokens", tiny, Schedule(optimiser="adamw")),
        ("tiny, Muon, 4,096 tokens", tiny, Schedule()),
        ("tiny, Muon, 2,048 tokens", tiny, Schedule(tokens=2048)),
        ("LSTM with attention, Muon, 4,096 tokens", lstm, Schedule()),
    ]
    for name, config, schedule in rows:
        for precision in (torch.float32, torch.bfloat16):
            rate = tokens_per_second(config, precision, schedule, 12)
            print(f"{name:42} {str(precision).removeprefix('torch.'):9} {rate:6.0f} target tokens/s")


if __name__ == "__main__":
    main()
