"""Rows of different lengths laid end to end, so that no product is spent on padding; attention and SSRU over them.

``offsets`` int32 [B + 1] says where each row begins and where the last one ends; what lies behind is blank and comes
out as zero. The forms below pad each row and work anywhere; on a CUDA device ``kernels.py`` does the same without.
"""

from typing import cast

import torch
from torch import Tensor

from s2s_gui.networks.layers import MASKED, _Scan, attend, split_heads


def attend_padded(
    queries: Tensor, memory: Tensor | None, offsets: tuple[Tensor, Tensor], heads: int, block: int, is_causal: bool
) -> Tensor:
    """Attention of each row to its own memory (Vaswani et al. 2017, eq. 1), [N, d].

    ``queries`` [N, d] with ``memory`` [M, 2 d], keys beside values; or ``queries`` [N, 3 d], queries, keys and values
    side by side, and no memory. ``offsets`` are those of queries and memory; no row is longer than ``block``.
    """
    if memory is None:
        width = queries.shape[1] // 3
        queries, memory = queries[:, :width], queries[:, width:]
    query = split_heads(_padded(queries, offsets[0], block), heads)
    key, value = (split_heads(part, heads) for part in _padded(memory, offsets[1], block).chunk(2, dim=-1))
    columns = torch.arange(block, device=queries.device)
    hidden = columns[None, :] >= offsets[1].diff()[:, None]
    bias = hidden[:, None, None, :].to(queries.dtype) * MASKED
    if is_causal:
        bias = bias + (columns[None, :] > columns[:, None]).to(queries.dtype) * MASKED
    attended, _ = attend(query, key, value, bias)
    return _laid(attended, offsets[0], len(queries))


def scan_padded(projected: Tensor, bias: Tensor, offsets: Tensor, block: int) -> Tensor:
    """Return the SSRU's cells [N, d] for update and forget gate side by side, [N, 2 d], and the gate's bias [d]."""
    update, forget = _padded(projected, offsets, block).chunk(2, dim=-1)
    cells = cast("Tensor", _Scan.apply(torch.sigmoid(forget + bias), update))  # type: ignore[no-untyped-call]
    return _laid(cells, offsets, len(projected))


def rows_of(offsets: Tensor, count: int) -> Tensor:
    """Return for each of ``count`` places the row that it belongs to, int64; B for blank ones."""
    return torch.searchsorted(offsets[1:].long(), torch.arange(count, device=offsets.device), right=True)


def _padded(x: Tensor, offsets: Tensor, block: int) -> Tensor:
    columns = torch.arange(block, device=x.device)
    places = offsets[:-1, None].long() + columns
    kept = columns < offsets.diff()[:, None]
    return x[places.clamp(max=len(x) - 1)] * kept[..., None].to(x.dtype)


def _laid(x: Tensor, offsets: Tensor, count: int) -> Tensor:
    rows = rows_of(offsets, count)
    kept = rows < len(x)
    rows = rows.clamp(max=len(x) - 1)
    columns = (torch.arange(count, device=x.device) - offsets[rows].long()).clamp(0, x.shape[1] - 1)
    return x[rows, columns] * kept[:, None].to(x.dtype)
