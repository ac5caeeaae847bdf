"""YAML as Marian writes it: scalars are kept as strings, aliases are refused, depth and size are bounded."""

from typing import Any

import yaml

from s2s_gui.errors import ModelError

MAX_OPTIONS = 64 << 10
TOO_MUCH = (yaml.YAMLError, ValueError, RecursionError)


class _Strings(yaml.BaseLoader):
    """A loader that leaves every scalar a string and follows no alias."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def read_options(content: bytes, name: str) -> dict[str, Any]:
    """Return a small mapping, every scalar in it a string; ``name`` is for messages. Raises ``ModelError``."""
    if len(content) > MAX_OPTIONS:
        raise ModelError(name, [f"{name} has {len(content):,} bytes; at most {MAX_OPTIONS:,} are read."])
    try:
        options = yaml.load(content.rstrip(b"\0"), Loader=_Strings)
    except TOO_MUCH as error:
        raise ModelError(name, [f"{name} is not plain YAML."]) from error
    if not isinstance(options, dict):
        raise ModelError(name, [f"{name} is not a YAML mapping."])
    return options


def read_numbers(content: bytes, name: str) -> dict[str, int]:
    """Return a flat mapping of strings to numbers, such as a vocabulary, from its events: nothing is nested.

    Of two entries with one key the last counts. Raises ``ModelError``.
    """
    numbers: dict[str, int] = {}
    try:
        events = yaml.parse(content, Loader=yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader)
        start = [type(next(events)) for _ in range(3)]
        if start != [yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.MappingStartEvent]:
            raise ModelError(name, [f"{name} is not a YAML mapping of tokens to numbers."])
        while isinstance(key := next(events), yaml.ScalarEvent):
            value = next(events)
            if not isinstance(value, yaml.ScalarEvent) or not value.value.isdecimal() or len(value.value) > 9:
                raise ModelError(name, [f"{name} does not give the token {key.value!r} a number."])
            numbers[key.value] = int(value.value)
        if not isinstance(key, yaml.MappingEndEvent) or not isinstance(next(events), yaml.DocumentEndEvent):
            raise ModelError(name, [f"{name} is not a flat YAML mapping of tokens to numbers."])
    except (*TOO_MUCH, StopIteration) as error:
        raise ModelError(name, [f"{name} is damaged: it is not YAML."]) from error
    return numbers
