"""An offline desktop translator: a Qt window over a sequence-to-sequence engine in PyTorch."""

__version__ = "0.1.0"
