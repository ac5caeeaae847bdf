"""``s2s bench typing``: a recorded typing session, with what the program keeps between two keys and without.

Each key gives the text as it stands then, and each text is translated to its end, once with the cache of the session
and once with an empty one. The two take turns, so that both meet the same machine.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from s2s_gui.console.figures import percentile, show
from s2s_gui.description import Direction
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model
from s2s_gui.engine.translator import translate
from s2s_gui.errors import RequestError
from s2s_gui.manage.quick import open_quick
from s2s_gui.messages import DecodeOptions, Result
from s2s_gui.storage import library

# What was typed, letter by letter; \b takes one back.
TYPED = {
    "en": "Good morning! I would like to book a room for four nights. We arrive on Friday evening,"
    " probbaly\b\b\b\bably around eight. Is breakfast included in the price?"
    " My wife does not eat meat, so please tell the kitchen."
    " Could you send me the adress\b\b\b\bdress of the hotel? Thank you very much. See you all soon!",
    "zh": "早上好。我想订一个房间，住两个晚上。我们一共有四个人来住。我们星期五晚上到，大该\b概八点左右。"
    "价格里包括早餐吗？我妻子不吃肉，请告诉厨房。从机场坐火车差不多要一个小时。你能把酒店的地址发给我吗？非常感谢。"
    "上次我们住的房间很安静，窗户外面可以看到河。这次如果还有那样的房间，我们愿意多付一点钱。"
    "孩子们想去动物园，听说离酒店不远。下雨的话，我们就去博物馆看看。请问附近有没有好吃的饭官\b馆？"
    "我们喜欢吃鱼和米饭，不太喜欢辣的菜。星期天早上我们要早点出发，因为飞机十点起飞。可以帮我们叫一辆出租车吗？"
    "行李有三件，最大的那件很重。如果有什么问题，请给我打电话。我的号码没有变。期待和你见面，祝你一切顺利，再见！",
}


@dataclass(frozen=True, slots=True)
class Typing:
    """A session's cost: from a key to the final text, and all of it together with the cache and without.

    ``ratio`` is ``seconds`` divided by ``seconds_without``.
    """

    keystrokes: int
    p50_ms: float
    p95_ms: float
    seconds: float
    seconds_without: float
    ratio: float
    tokens: int
    tokens_without: int


def command(arguments: argparse.Namespace) -> int:
    """Run the session and print its figures."""
    torch.set_num_threads(1)
    model = open_quick(library.find(arguments.model), arguments.precision)
    show(typing(model), as_json=arguments.json)
    return 0


def typing(model: Model) -> Typing:
    """Type the session of the model's first direction that has one; raise ``RequestError`` if none has."""
    way = recorded(model)
    texts = list(keystrokes(TYPED[way.source.code]))
    kept = SentenceCache()
    run(model, texts[-1], way, SentenceCache())
    pairs = [(run(model, text, way, kept), run(model, text, way, SentenceCache())) for text in texts]
    waits = [1000 * seconds for (_, seconds), _ in pairs]
    total, total_without = (sum(pair[side][1] for pair in pairs) for side in (0, 1))
    tokens, tokens_without = (sum(pair[side][0].tokens for pair in pairs) for side in (0, 1))
    return Typing(
        keystrokes=len(texts),
        p50_ms=statistics.median(waits),
        p95_ms=percentile(waits, 0.95),
        seconds=total,
        seconds_without=total_without,
        ratio=total / total_without,
        tokens=tokens,
        tokens_without=tokens_without,
    )


def recorded(model: Model) -> Direction:
    """Return the model's first direction from a language with a recorded session."""
    for way in model.card.ways():
        if way.source.code in TYPED:
            return way
    raise RequestError(f"There is a recorded session only for {' and '.join(sorted(TYPED))}.")


def keystrokes(typed: str) -> Iterator[str]:
    """Yield the text after each key."""
    text = ""
    for key in typed:
        text = text[:-1] if key == "\b" else text + key
        yield text


def run(model: Model, text: str, way: Direction, cache: SentenceCache) -> tuple[Result, float]:
    """Translate ``text`` with the search of the model's card; return the result and the seconds that it took."""
    began = time.perf_counter()
    steps = translate(model, 0, text, way, DecodeOptions(), cache)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, time.perf_counter() - began
