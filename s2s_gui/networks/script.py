"""The Transformer's loops in TorchScript.

The code is text and not a decorated function, since TorchScript reads a function's source at run time, which a packed
program may not have.
"""

from s2s_gui.networks.products import EXACT, LINEAR

CODE = (
    LINEAR
    + """
def activated(x: Tensor, kind: int) -> Tensor:
    if kind == 0:
        return torch.relu_(x)
    if kind == 1:
        return torch.ops.aten.gelu(x)
    if kind == 2:
        return torch.ops.aten.silu(x)
    if kind == 3:
        return torch.ops.aten.gelu(x, approximate="tanh")
    return x * torch.sigmoid(x * 1.702)

def norm(x: Tensor, i: int, norms: List[Tensor], epsilon: float) -> Tensor:
    return torch.layer_norm(x, [x.size(-1)], norms[2 * i], norms[2 * i + 1], epsilon)

def encode(
    x: Tensor, bias: Tensor, packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase],
    weights: List[Tensor], biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool,
    epsilon: float,
) -> Tensor:
    batch, length, width = x.size(0), x.size(1), x.size(2)
    size = width // heads
    x = x.reshape(batch * length, width)
    for l in range(layers):
        y = norm(x, 2 * l, norms, epsilon) if pre else x
        parts = linear(y, 4 * l, packed, weights, biases).view(batch, length, 3, heads, size)
        parts = parts.permute(2, 0, 3, 1, 4).reshape(3, batch * heads, length, size)
        scores = torch.bmm(parts[0], parts[1].transpose(1, 2))
        if bias.numel() > 0:
            scores = (scores.view(batch, heads, length, length) + bias).view(batch * heads, length, length)
        y = torch.bmm(torch.softmax(scores, -1), parts[2]).view(batch, heads, length, size)
        y = linear(y.transpose(1, 2).reshape(batch * length, width), 4 * l + 1, packed, weights, biases)
        x = x + y if pre else norm(x + y, 2 * l, norms, epsilon)
        y = norm(x, 2 * l + 1, norms, epsilon) if pre else x
        y = activated(linear(y, 4 * l + 2, packed, weights, biases), kind)
        y = linear(y, 4 * l + 3, packed, weights, biases)
        x = x + y if pre else norm(x + y, 2 * l + 1, norms, epsilon)
    return norm(x, 2 * layers, norms, epsilon) if pre else x

def advance(
    x: Tensor, column: int, own: Tensor, own_bias: Tensor, keys: Tensor, values: Tensor, bias: Tensor,
    packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool, epsilon: float,
    ssru: bool,
) -> Tuple[Tensor, Tensor]:
    rows, width = x.size(0), x.size(1)
    size = width // heads
    groups = keys.size(1) // heads
    each = rows // groups
    seen = x
    for l in range(layers):
        at = 5 * l if ssru else 6 * l
        y = norm(x, 3 * l, norms, epsilon) if pre else x
        if ssru:
            gates = linear(y, at, packed, weights, biases)
            cell = torch.lerp(gates[:, :width], own[l], torch.sigmoid(gates[:, width:]))
            own[l] = cell
            y = torch.relu(cell)
        else:
            parts = linear(y, at, packed, weights, biases)
            now = parts[:, width:].view(groups, each, 2, width).permute(1, 2, 0, 3)
            own[column : column + each, 2 * l : 2 * l + 2] = now
            past = own[: column + each, 2 * l : 2 * l + 2].view(column + each, 2, groups * heads, size)
            past = past.permute(1, 2, 0, 3)
            query = parts[:, :width].view(groups, each, heads, size).transpose(1, 2).reshape(-1, each, size)
            scores = torch.bmm(query, past[0].transpose(1, 2))
            if own_bias.numel() > 0:
                scores = (scores.view(groups, heads, each, -1) + own_bias).view(groups * heads, each, -1)
            y = torch.bmm(torch.softmax(scores, -1), past[1])
            y = y.view(groups, heads, each, size).transpose(1, 2).reshape(rows, width)
            y = linear(y, at + 1, packed, weights, biases)
            at += 1
        x = x + y if pre else norm(x + y, 3 * l, norms, epsilon)
        y = norm(x, 3 * l + 1, norms, epsilon) if pre else x
        query = linear(y, at + 1, packed, weights, biases).view(groups, each, heads, size)
        scores = torch.bmm(query.transpose(1, 2).reshape(-1, each, size), keys[l])
        if bias.numel() > 0:
            scores = (scores.view(groups, heads, each, -1) + bias).view(groups * heads, each, -1)
        seen = torch.softmax(scores, -1)
        y = torch.bmm(seen, values[l]).view(groups, heads, each, size).transpose(1, 2).reshape(rows, width)
        y = linear(y, at + 2, packed, weights, biases)
        x = x + y if pre else norm(x + y, 3 * l + 1, norms, epsilon)
        y = norm(x, 3 * l + 2, norms, epsilon) if pre else x
        y = activated(linear(y, at + 3, packed, weights, biases), kind)
        y = linear(y, at + 4, packed, weights, biases)
        x = x + y if pre else norm(x + y, 3 * l + 2, norms, epsilon)
    if pre:
        x = norm(x, 3 * layers, norms, epsilon)
    return x, seen.view(groups, heads, each, -1).sum(1).view(rows, -1)

def greedy(
    last: int, column: int, own: Tensor, keys: Tensor, values: Tensor,
    packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool, epsilon: float,
    ssru: bool, table: Tensor, factors: Tensor, places: Tensor, steps: int, eos: int, never: Tensor, ids: Tensor,
    rows: List[Tensor],
) -> Tuple[Tensor, Tensor, Tensor]:
    nothing = factors[0, :0]
    tokens: List[Tensor] = []
    log_probs: List[Tensor] = []
    looked: List[Tensor] = []
    for n in range(steps):
        x = places[column : column + 1]
        if last >= 0:
            x = torch.addcmul(x, table[last : last + 1], factors[last : last + 1])
        x, seen = advance(
            x, column, own, nothing, keys, values, nothing, packed, weights, biases, norms, layers, heads, kind, pre,
            epsilon, ssru,
        )
        if len(rows) > 0:
            logits = torch.ops.aten.linear(x, rows[0], rows[1])[0]
        else:
            logits = linear(x, (5 if ssru else 6) * layers + 1, packed, weights, biases)[0]
        scores = torch.log_softmax(logits, 0)
        logits = logits.index_fill_(0, never, -float("inf"))
        if len(rows) > 0:
            place = torch.argmax(logits)
        else:
            blocks = logits.view(-1, 64)
            block = torch.argmax(torch.amax(blocks, 1))
            place = torch.argmax(blocks[block]) + 64 * block
        log_probs.append(scores[place])
        looked.append(seen[0])
        best = ids[place] if len(rows) > 0 else place
        tokens.append(best)
        last = int(best)
        column += 1
        if last == eos:
            break
    return torch.stack(tokens), torch.stack(log_probs), torch.stack(looked) / heads
"""
)

# All positions of a guessed target in one pass. Each row's products are rounded by that row alone, as in ``greedy``.
VERIFY = (
    EXACT
    + CODE[CODE.index("def activated") : CODE.index("def encode")]
    + """
def verify(
    x: Tensor, future: Tensor, own: Tensor, keys: Tensor, values: Tensor, exact: List[Tensor], weights: List[Tensor],
    biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool, epsilon: float,
    ssru: bool, rows: List[Tensor],
) -> Tuple[Tensor, Tensor, Tensor]:
    length, width = x.size(0), x.size(1)
    size = width // heads
    seen = x
    pasts: List[Tensor] = []
    for l in range(layers):
        at = 5 * l if ssru else 6 * l
        y = norm(x, 3 * l, norms, epsilon) if pre else x
        if ssru:
            gates = linear(y, at, exact, weights, biases)
            forget = torch.sigmoid(gates[:, width:])
            cell = own[l, 0]
            cells: List[Tensor] = []
            for n in range(length):
                cell = torch.lerp(gates[n, :width], cell, forget[n])
                cells.append(cell)
            past = torch.stack(cells)
            pasts.append(past)
            y = torch.relu(past)
        else:
            parts = linear(y, at, exact, weights, biases).view(length, 3, width)
            own[:length, 2 * l : 2 * l + 2, 0] = parts[:, 1:]
            apart = parts.view(length, 3, heads, size).permute(1, 2, 0, 3)
            scores = torch.bmm(apart[0], apart[1].transpose(1, 2)) + future
            y = torch.bmm(torch.softmax(scores, -1), apart[2]).transpose(0, 1).reshape(length, width)
            y = linear(y, at + 1, exact, weights, biases)
            at += 1
        x = x + y if pre else norm(x + y, 3 * l, norms, epsilon)
        y = norm(x, 3 * l + 1, norms, epsilon) if pre else x
        query = linear(y, at + 1, exact, weights, biases).view(length, heads, size).transpose(0, 1)
        seen = torch.softmax(torch.bmm(query, keys[l]), -1)
        y = torch.bmm(seen, values[l]).transpose(0, 1).reshape(length, width)
        y = linear(y, at + 2, exact, weights, biases)
        x = x + y if pre else norm(x + y, 3 * l + 1, norms, epsilon)
        y = norm(x, 3 * l + 2, norms, epsilon) if pre else x
        y = activated(linear(y, at + 3, exact, weights, biases), kind)
        y = linear(y, at + 4, exact, weights, biases)
        x = x + y if pre else norm(x + y, 3 * l + 2, norms, epsilon)
    if pre:
        x = norm(x, 3 * layers, norms, epsilon)
    if len(rows) > 0:
        logits = torch.ops.aten.linear(x, rows[0], rows[1])
    else:
        logits = linear(x, (5 if ssru else 6) * layers + 1, exact, weights, biases)
    return logits, seen.mean(0), torch.stack(pasts) if ssru else own
"""
)
