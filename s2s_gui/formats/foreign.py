"""The readers of other programs' models, in the order in which a path is shown to them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from s2s_gui.description import ModelDescription
from s2s_gui.formats.ctranslate2 import argos
from s2s_gui.formats.ctranslate2 import folder as ctranslate2
from s2s_gui.formats.huggingface import m2m
from s2s_gui.formats.huggingface import marian as hf_marian
from s2s_gui.formats.keras import model as keras
from s2s_gui.formats.marian import bergamot
from s2s_gui.formats.marian import npz as marian
from s2s_gui.formats.pytorch import opennmt
from s2s_gui.formats.pytorch import state as pytorch_state


@dataclass(frozen=True, slots=True)
class Reader:
    """One format: does it know a path, and what does it make of it."""

    recognises: Callable[[Path], bool]
    read: Callable[[Path], ModelDescription]


FOREIGN = (
    Reader(argos.recognises, argos.read),
    Reader(hf_marian.recognises, hf_marian.read),
    Reader(m2m.recognises, m2m.read),
    Reader(bergamot.recognises, bergamot.read),
    Reader(ctranslate2.recognises, ctranslate2.read),
    Reader(keras.recognises, keras.read),
    Reader(opennmt.recognises, opennmt.read),
    Reader(marian.recognises, marian.read),
    Reader(pytorch_state.recognises, pytorch_state.read),
)
