"""Attention and the SSRU over ragged rows as Triton kernels: a program for each row and head, or row and 128 columns.

Every row fits one tile, so that scores never leave the chip and a backward pass works them out again. Sums are in
float32. ``ragged.py`` says what goes in and what comes out: its padded forms are what ``check`` compares with.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from typing import Any, cast

import torch
import triton
import triton.language as tl
from torch import Tensor

from s2s_gui.training.remote.ragged import attend_padded, scan_padded

COLUMNS = 128
MOST_ERROR = 0.02  # of bfloat16; a wrong index gives far more


def attend(
    queries: Tensor, memory: Tensor | None, offsets: tuple[Tensor, Tensor], heads: int, block: int, is_causal: bool
) -> Tensor:
    """``ragged.attend_padded`` for heads of 16, 32, 64 or 128 values."""
    return cast("Tensor", _Attention.apply(queries, memory, offsets, heads, block, is_causal))


def scan(projected: Tensor, bias: Tensor, offsets: Tensor, block: int) -> Tensor:
    """``ragged.scan_padded`` for widths that 128 divides."""
    return cast("Tensor", _Scan.apply(projected, bias, offsets))


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        memory: Tensor | None,
        offsets: tuple[Tensor, Tensor],
        heads: int,
        block: int,
        is_causal: bool,
    ) -> Tensor:
        width = queries.shape[1] if memory is not None else queries.shape[1] // 3
        out = queries.new_zeros(len(queries), width)
        ctx.shape = heads, width // heads, max(16, block), is_causal
        ctx.save_for_backward(queries, memory, *offsets)
        grid = (len(offsets[0]) - 1, heads)
        query, key, value = _views(queries, memory, width)
        _attend[grid](
            query, key, value, out, *offsets, query.stride(0), key.stride(0), width, *_constants(ctx.shape),
            num_warps=_warps(ctx.shape[2]),
        )  # fmt: skip
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None, None, None, None]:
        queries, memory, *offsets = ctx.saved_tensors
        heads, head, block, _ = ctx.shape
        width = heads * head
        d_queries = torch.zeros_like(queries)
        d_memory = None if memory is None else torch.zeros_like(memory)
        query, key, value = _views(queries, memory, width)
        slopes = _views(d_queries, d_memory, width)
        gradient = gradients[0].contiguous()
        _attend_back[(len(offsets[0]) - 1, heads)](
            query, key, value, gradient, *slopes, *offsets, query.stride(0), key.stride(0), width,
            *_constants(ctx.shape), num_warps=_warps(block),
        )  # fmt: skip
        return d_queries, d_memory, None, None, None, None


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projected: Tensor, bias: Tensor, offsets: Tensor) -> Tensor:
        width = projected.shape[1] // 2
        cells = projected.new_zeros(len(projected), width)
        _scan[(len(offsets) - 1, width // COLUMNS)](
            projected, bias, cells, offsets, width, COLUMNS=COLUMNS, num_warps=1
        )
        ctx.save_for_backward(projected, bias, offsets, cells)
        return cells

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        projected, bias, offsets, cells = ctx.saved_tensors
        width = cells.shape[1]
        slopes = torch.zeros_like(projected)
        _scan_back[(len(offsets) - 1, width // COLUMNS)](
            projected, bias, cells, gradients[0].contiguous(), slopes, offsets, width, COLUMNS=COLUMNS, num_warps=1
        )
        return slopes, slopes[:, width:].sum(0, dtype=torch.float32).to(bias.dtype), None


def _views(queries: Tensor, memory: Tensor | None, width: int) -> tuple[Tensor, Tensor, Tensor]:
    if memory is None:
        return queries[:, :width], queries[:, width : 2 * width], queries[:, 2 * width :]
    return queries, memory[:, :width], memory[:, width:]


def _constants(shape: tuple[int, int, int, bool]) -> tuple[float, int, int, bool]:
    _, head, block, is_causal = shape
    return head**-0.5, head, block, is_causal


def _warps(block: int) -> int:
    return {16: 1, 32: 2, 64: 4}.get(block, 8)


@triton.jit
def _weights(q, k, q_long, k_long, scale, BLOCK: tl.constexpr, CAUSAL: tl.constexpr):
    scores = tl.dot(q, tl.trans(k)) * scale
    rows = tl.arange(0, BLOCK)
    seen = rows[None, :] < k_long
    if CAUSAL:
        seen = seen & (rows[None, :] <= rows[:, None])
    scores = tl.where(seen, scores, -1e9)
    scores = tl.exp(scores - tl.max(scores, 1)[:, None])
    return scores / tl.sum(scores, 1)[:, None]


@triton.jit
def _attend(
    query, key, value, out, query_offsets, key_offsets, query_stride, key_stride, width, scale,
    HEAD: tl.constexpr, BLOCK: tl.constexpr, CAUSAL: tl.constexpr,
):  # fmt: skip
    row, head = tl.program_id(0), tl.program_id(1)
    first = tl.load(query_offsets + row)
    long = tl.load(query_offsets + row + 1) - first
    if long > 0:
        key_first = tl.load(key_offsets + row)
        key_long = tl.load(key_offsets + row + 1) - key_first
        rows, columns = tl.arange(0, BLOCK)[:, None], head * HEAD + tl.arange(0, HEAD)[None, :]
        mask, key_mask = rows < long, rows < key_long
        q = tl.load(query + (first + rows) * query_stride + columns, mask=mask, other=0.0)
        places = (key_first + rows) * key_stride + columns
        k = tl.load(key + places, mask=key_mask, other=0.0)
        v = tl.load(value + places, mask=key_mask, other=0.0)
        weights = _weights(q, k, long, key_long, scale, BLOCK, CAUSAL)
        found = tl.dot(weights.to(v.dtype), v)
        tl.store(out + (first + rows) * width + columns, found.to(v.dtype), mask=mask)


@triton.jit
def _attend_back(
    query, key, value, gradient, d_query, d_key, d_value, query_offsets, key_offsets, query_stride, key_stride, width,
    scale, HEAD: tl.constexpr, BLOCK: tl.constexpr, CAUSAL: tl.constexpr,
):  # fmt: skip
    row, head = tl.program_id(0), tl.program_id(1)
    first = tl.load(query_offsets + row)
    long = tl.load(query_offsets + row + 1) - first
    if long > 0:
        key_first = tl.load(key_offsets + row)
        key_long = tl.load(key_offsets + row + 1) - key_first
        rows, columns = tl.arange(0, BLOCK)[:, None], head * HEAD + tl.arange(0, HEAD)[None, :]
        mask, key_mask = rows < long, rows < key_long
        own = (first + rows) * query_stride + columns
        places = (key_first + rows) * key_stride + columns
        q = tl.load(query + own, mask=mask, other=0.0)
        k = tl.load(key + places, mask=key_mask, other=0.0)
        v = tl.load(value + places, mask=key_mask, other=0.0)
        g = tl.load(gradient + (first + rows) * width + columns, mask=mask, other=0.0)
        weights = _weights(q, k, long, key_long, scale, BLOCK, CAUSAL)
        tl.store(d_value + places, tl.dot(tl.trans(weights.to(v.dtype)), g).to(v.dtype), mask=key_mask)
        slopes = tl.dot(g, tl.trans(v))
        slopes = weights * (slopes - tl.sum(weights * slopes, 1)[:, None]) * scale
        slopes = slopes.to(v.dtype)
        tl.store(d_query + own, tl.dot(slopes, k).to(v.dtype), mask=mask)
        tl.store(d_key + places, tl.dot(tl.trans(slopes), q).to(v.dtype), mask=key_mask)


@triton.jit
def _scan(projected, bias, cells, offsets, width, COLUMNS: tl.constexpr):
    row = tl.program_id(0)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    shift = tl.load(bias + columns).to(tl.float32)
    cell = tl.zeros([COLUMNS], tl.float32)
    for place in range(tl.load(offsets + row), tl.load(offsets + row + 1)):
        update = tl.load(projected + place * 2 * width + columns).to(tl.float32)
        forget = tl.sigmoid(tl.load(projected + place * 2 * width + width + columns).to(tl.float32) + shift)
        cell = forget * cell + (1 - forget) * update
        tl.store(cells + place * width + columns, cell.to(cells.dtype.element_ty))


@triton.jit
def _scan_back(projected, bias, cells, gradient, slopes, offsets, width, COLUMNS: tl.constexpr):
    row = tl.program_id(0)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    shift = tl.load(bias + columns).to(tl.float32)
    total = tl.zeros([COLUMNS], tl.float32)
    first, end = tl.load(offsets + row), tl.load(offsets + row + 1)
    for step in range(end - first):
        place = end - 1 - step
        update = tl.load(projected + place * 2 * width + columns).to(tl.float32)
        forget = tl.sigmoid(tl.load(projected + place * 2 * width + width + columns).to(tl.float32) + shift)
        earlier = tl.load(cells + (place - 1) * width + columns, mask=(place > first) & (columns >= 0), other=0.0)
        total += tl.load(gradient + place * width + columns).to(tl.float32)
        slope = total * (earlier.to(tl.float32) - update) * forget * (1 - forget)
        tl.store(slopes + place * 2 * width + columns, (total * (1 - forget)).to(slopes.dtype.element_ty))
        tl.store(slopes + place * 2 * width + width + columns, slope.to(slopes.dtype.element_ty))
        total *= forget


def check(device: torch.device, heads: int, head: int, block: int, dtype: torch.dtype = torch.bfloat16) -> float:
    """Return how far the kernels are from the padded forms in float64; raise if that is more than rounding."""
    torch.manual_seed(block)
    width = heads * head
    longs = [torch.randint(1, block + 1, (24,)) for _ in range(2)]
    offsets = [torch.cat([torch.zeros(1, dtype=torch.int64), long.cumsum(0)]).int().to(device) for long in longs]
    counts = [int(offset[-1]) + 7 for offset in offsets]
    draw = lambda *shape: torch.randn(*shape, device=device).to(dtype).requires_grad_()  # noqa: E731
    worst = 0.0
    for is_self, is_causal in ((True, False), (True, True), (False, False)):
        queries = draw(counts[0], 3 * width if is_self else width)
        memory = None if is_self else draw(counts[1], 2 * width)
        pair = (offsets[0], offsets[0] if is_self else offsets[1])
        inputs = [queries] if memory is None else [queries, memory]
        found = attend(queries, memory, pair, heads, block, is_causal)
        exact = [one.detach().double().requires_grad_() for one in inputs]
        wanted = attend_padded(exact[0], exact[1] if memory is not None else None, pair, heads, block, is_causal)
        worst = max(worst, _gap(found, wanted, inputs, exact))
    inputs = [draw(counts[0], 2 * width), draw(width)]
    exact = [one.detach().double().requires_grad_() for one in inputs]
    found = scan(inputs[0], inputs[1], offsets[0], block)
    worst = max(worst, _gap(found, scan_padded(exact[0], exact[1], offsets[0], block), inputs, exact))
    if not worst < MOST_ERROR:
        raise SystemExit(f"The kernels are off by {worst:.3f} at rows of {block} on this device: run with --eager.")
    return worst


def _gap(found: Tensor, wanted: Tensor, inputs: list[Tensor], exact: list[Tensor]) -> float:
    slope = torch.randn_like(found)
    slopes = torch.autograd.grad(found, inputs, slope)
    pairs = zip([found, *slopes], [wanted, *torch.autograd.grad(wanted, exact, slope.double())], strict=True)
    return max(float((ours.detach().double() - theirs.detach()).norm() / theirs.norm()) for ours, theirs in pairs)
