"""What writers of foreign formats share: vocabularies as lists of tokens, positions as a table, a folder made whole."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from s2s_gui.description import ModelDescription, TransformerConfig, Vocabulary
from s2s_gui.errors import ModelError
from s2s_gui.formats.lazy import Array
from s2s_gui.text.sentencepiece import pieces_of


def transformer_of(description: ModelDescription, form: str) -> TransformerConfig:
    """Return the network's configuration; raise ``ModelError`` unless it is a Transformer with self-attention."""
    network = description.card.network
    if not isinstance(network, TransformerConfig):
        raise refusal(description, form, "its network is recurrent, not a Transformer")
    if network.decoder != "attention":
        raise refusal(description, form, "its decoder is an SSRU, which the format does not know")
    return network


def refusal(description: ModelDescription, form: str, why: str) -> ModelError:
    """Return the error for a model that a format cannot hold."""
    return ModelError(f"{description.card.name} as {form}", [f"{why[0].upper()}{why[1:]}."])


def tokens_of(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the token of each id, from the list or from the SentencePiece model itself."""
    return vocabulary.tokens or tuple(pieces_of(vocabulary.model, vocabulary.name))


def position_table(network: TransformerConfig, count: int) -> Array:
    """Return the vectors of the first ``count`` positions of a Transformer without learned ones, [count, d] float32."""
    half = network.width // 2
    divisor = half - 1 if network.positions == "marian" else half
    angles = np.arange(network.first_position, network.first_position + count)[:, None] * np.exp(
        np.arange(half) * (-np.log(10000.0) / divisor)
    )
    if network.positions == "interleaved":
        return np.stack((np.sin(angles), np.cos(angles)), axis=-1).reshape(count, -1).astype(np.float32)
    return np.concatenate((np.sin(angles), np.cos(angles)), axis=1).astype(np.float32)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write into that becomes ``folder`` at the end, or nothing if something fails."""
    if folder.exists():
        raise ModelError(str(folder), ["The folder is there already: name one that is not."])
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield aside
        aside.chmod(0o755)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
