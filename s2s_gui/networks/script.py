"""The Transformer's loops in TorchScript.

The code is text and not a decorated function, since TorchScript reads a function's source at run time, which a packed
program may not have.
"""

from s2s_gui.networks.products import BEST, EXACT, LINEAR

CODE = (
    LINEAR
    + BEST
    + """
def activated(x: Tensor, kind: int) -> Tensor:
    if kind == 0:
        return torch.relu_(x)
    if kind == 1:
        return torch.ops.aten.gelu(x)
    if kind == 2:
        return torch.ops.aten.silu_(x)
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
        x = y.add_(x) if pre else norm(y.add_(x), 2 * l, norms, epsilon)
        y = norm(x, 2 * l + 1, norms, epsilon) if pre else x
        y = activated(linear(y, 4 * l + 2, packed, weights, biases), kind)
        y = linear(y, 4 * l + 3, packed, weights, biases)
        x = y.add_(x) if pre else norm(y.add_(x), 2 * l + 1, norms, epsilon)
    return norm(x, 2 * layers, norms, epsilon) if pre else x

def parted(x: Tensor, groups: int, each: int, heads: int) -> Tensor:
    if each == 1:
        return x.reshape(groups * heads, 1, -1)
    return x.reshape(groups, each, heads, -1).transpose(1, 2).reshape(groups * heads, each, -1)

def united(x: Tensor, groups: int, each: int, heads: int) -> Tensor:
    if each == 1:
        return x.view(groups, -1)
    return x.view(groups, heads, each, -1).transpose(1, 2).reshape(groups * each, -1)

def masked(scores: Tensor, bias: Tensor, groups: int) -> Tensor:
    if bias.numel() == 0:
        return scores
    return (scores.view(groups, -1, scores.size(1), scores.size(2)) + bias).view_as(scores)

def by_layer(own: Tensor, layers: int, ssru: bool) -> List[Tensor]:
    if ssru:
        return torch.unbind(own)
    return torch.unbind(own.unflatten(1, [layers, 2]), 1)

def advance(
    x: Tensor, column: int, own: List[Tensor], own_bias: Tensor, keys: List[Tensor], values: List[Tensor],
    bias: Tensor, packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool, epsilon: float,
    ssru: bool,
) -> Tuple[Tensor, Tensor]:
    rows, width = x.size(0), x.size(1)
    groups = keys[0].size(0) // heads
    each = rows // groups
    seen = x
    for l in range(layers):
        at = 5 * l if ssru else 6 * l
        y = norm(x, 3 * l, norms, epsilon) if pre else x
        if ssru:
            update, forget = torch.chunk(linear(y, at, packed, weights, biases), 2, 1)
            own[l] = torch.lerp(update, own[l], torch.sigmoid_(forget))
            y = torch.relu(own[l])
        else:
            parts = linear(y, at, packed, weights, biases)
            now = parts[:, width:].view(groups, each, 2, width).permute(1, 2, 0, 3)
            own[l][column : column + each] = now
            past = own[l][: column + each].view(column + each, 2, groups * heads, -1)
            key, value = torch.unbind(past.permute(1, 2, 0, 3))
            scores = torch.bmm(parted(parts[:, :width], groups, each, heads), key.transpose(1, 2))
            y = united(torch.bmm(torch.softmax(masked(scores, own_bias, groups), -1), value), groups, each, heads)
            y = linear(y, at + 1, packed, weights, biases)
            at += 1
        x = y.add_(x) if pre else norm(y.add_(x), 3 * l, norms, epsilon)
        y = norm(x, 3 * l + 1, norms, epsilon) if pre else x
        query = parted(linear(y, at + 1, packed, weights, biases), groups, each, heads)
        seen = torch.softmax(masked(torch.bmm(query, keys[l]), bias, groups), -1)
        y = united(torch.bmm(seen, values[l]), groups, each, heads)
        y = linear(y, at + 2, packed, weights, biases)
        x = y.add_(x) if pre else norm(y.add_(x), 3 * l + 1, norms, epsilon)
        y = norm(x, 3 * l + 2, norms, epsilon) if pre else x
        y = activated(linear(y, at + 3, packed, weights, biases), kind)
        y = linear(y, at + 4, packed, weights, biases)
        x = y.add_(x) if pre else norm(y.add_(x), 3 * l + 2, norms, epsilon)
    if pre:
        x = norm(x, 3 * layers, norms, epsilon)
    return x, seen

def step(
    x: Tensor, column: int, own: Tensor, own_bias: Tensor, keys: Tensor, values: Tensor, bias: Tensor,
    packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool, epsilon: float,
    ssru: bool,
) -> Tuple[Tensor, Tensor, Tensor]:
    owns = by_layer(own, layers, ssru)
    rows = x.size(0)
    x, seen = advance(
        x, column, owns, own_bias, torch.unbind(keys), torch.unbind(values), bias, packed, weights, biases, norms,
        layers, heads, kind, pre, epsilon, ssru,
    )
    attention = seen.view(-1, heads, seen.size(1), seen.size(2)).mean(1).view(rows, -1)
    return x, torch.stack(owns) if ssru else own, attention

def greedy(
    last: int, column: int, own: Tensor, keys: Tensor, values: Tensor,
    packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool, epsilon: float,
    ssru: bool, table: Tensor, factors: Tensor, places: Tensor, steps: int, eos: int, never: Tensor, ids: Tensor,
    rows: List[Tensor],
) -> Tuple[List[int], List[float], Tensor]:
    nothing = factors[0, :0]
    owns, layer_keys, layer_values = by_layer(own, layers, ssru), torch.unbind(keys), torch.unbind(values)
    tokens: List[int] = []
    log_probs: List[float] = []
    looked: List[Tensor] = []
    for n in range(steps):
        x = places[column : column + 1]
        if last >= 0:
            x = torch.addcmul(x, table[last : last + 1], factors[last : last + 1])
        x, seen = advance(
            x, column, owns, nothing, layer_keys, layer_values, nothing, packed, weights, biases, norms, layers,
            heads, kind, pre, epsilon, ssru,
        )
        if len(rows) > 0:
            logits = torch.ops.aten.linear(x, rows[0], rows[1])
        else:
            logits = linear(x, (5 if ssru else 6) * layers + 1, packed, weights, biases)
        log_prob, place = best(logits[0], never, len(rows) == 0)
        log_probs.append(log_prob)
        last = int(ids[place]) if len(rows) > 0 else place
        looked.append(seen)
        tokens.append(last)
        column += 1
        if last == eos:
            break
    if ssru:
        own.copy_(torch.stack(owns))
    return tokens, log_probs, torch.cat(looked, 1).mean(0)
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
