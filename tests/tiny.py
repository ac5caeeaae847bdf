"""Tiny networks for tests: every variant at width 8 or 16, filled with random weights."""

from dataclasses import dataclass

import torch

from s2s_gui.description import NetworkConfig, RecurrentConfig, TransformerConfig
from s2s_gui.networks.build import build
from s2s_gui.networks.network import Network

VOCABULARY = 23

TRANSFORMERS: dict[str, NetworkConfig] = {
    f"transformer-{decoder}-{norm}-{activation}-{tied}-{positions}": TransformerConfig(
        VOCABULARY,
        VOCABULARY if tied == "all" else VOCABULARY + 4,
        width=16,
        heads=4,
        feed_forward=32,
        encoder_layers=2,
        decoder_layers=2,
        decoder=decoder,  # type: ignore[arg-type]
        norm=norm,  # type: ignore[arg-type]
        activation=activation,  # type: ignore[arg-type]
        tied=tied,  # type: ignore[arg-type]
        positions=positions,  # type: ignore[arg-type]
        first_position=first,
        max_positions=64,
    )
    for decoder, norm, activation, tied, positions, first in [
        ("ssru", "post", "relu", "all", "marian", 0),
        ("ssru", "pre", "gelu", "none", "halves", 0),
        ("attention", "post", "swish", "target", "interleaved", 1),
        ("attention", "pre", "relu", "all", "learned", 2),
    ]
}

RECURRENTS: dict[str, NetworkConfig] = {
    f"{cell}-{attention}-{layers}{'-both' if both else ''}{'-reversed' if turned else ''}": RecurrentConfig(
        VOCABULARY,
        VOCABULARY if tied == "all" else VOCABULARY + 4,
        cell=cell,  # type: ignore[arg-type]
        layers=layers,
        width=8,
        hidden=12,
        bidirectional=both,
        reverse_source=turned,
        attention=attention,  # type: ignore[arg-type]
        tied=tied,  # type: ignore[arg-type]
    )
    for cell, attention, layers, both, turned, tied in [
        ("lstm", "none", 1, False, True, "all"),
        ("lstm", "luong", 2, True, False, "target"),
        ("lstm", "bahdanau", 1, True, True, "none"),
        ("gru", "none", 2, True, False, "all"),
        ("gru", "luong", 1, False, True, "none"),
        ("gru", "bahdanau", 2, True, False, "all"),
    ]
}

FOREIGN: dict[str, NetworkConfig] = {
    f"{cell}-{attention}-{gates}-{len(initial)}{'-both' if both else ''}": RecurrentConfig(
        VOCABULARY,
        VOCABULARY + 4,
        cell=cell,  # type: ignore[arg-type]
        layers=2,
        width=8,
        hidden=12,
        bidirectional=both,
        reverse_source=turned,
        attention=attention,  # type: ignore[arg-type]
        tied="none",
        scale_embedding=False,
        readout=readout,
        gates=gates,  # type: ignore[arg-type]
        reset_after=False,
        initial=initial,
    )
    for cell, attention, both, turned, readout, gates, initial in [
        ("lstm", "none", False, False, False, "clipped-fifth", ()),
        ("lstm", "concat", True, True, False, "sigmoid", (1,)),
        ("gru", "none", True, True, False, "clipped-sixth", (1, 0, 1)),
        ("gru", "luong", False, False, True, "sigmoid", (1, 1)),
        ("gru", "bahdanau", True, False, False, "clipped-fifth", ()),
    ]
}

CONFIGS = TRANSFORMERS | RECURRENTS | FOREIGN


def random_network(config: NetworkConfig, seed: int = 0) -> Network:
    """Return a network in evaluation mode whose weights, biases and norms included, are all random."""
    torch.manual_seed(seed)
    network = build(config).eval().requires_grad_(False)
    for weight in network.parameters():
        weight.add_(torch.randn_like(weight) * 0.1)
    return network


@dataclass(frozen=True)
class ToySources:
    """A batch of random sources [B, S] with lengths [B] and decoder inputs [B, T] that begin with the zero vector."""

    source: torch.Tensor
    lengths: torch.Tensor
    target: torch.Tensor


def toy_sources(lengths: list[int], target_length: int, seed: int = 0) -> ToySources:
    """Return random ids in rows of the given lengths."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(2, VOCABULARY, (len(lengths), max(lengths)), generator=generator)
    target = torch.randint(0, VOCABULARY, (len(lengths), target_length), generator=generator)
    target[:, 0] = -1
    return ToySources(source, torch.tensor(lengths), target)
