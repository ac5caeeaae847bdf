"""From a configuration to its network: the one place that knows all kinds."""

from s2s_gui.description import NetworkConfig, RecurrentConfig
from s2s_gui.networks.network import Network
from s2s_gui.networks.recurrent import Recurrent
from s2s_gui.networks.transformer import Transformer


def build(config: NetworkConfig) -> Network:
    """Return a network with fresh random weights."""
    return Recurrent(config) if isinstance(config, RecurrentConfig) else Transformer(config)
