import pytest

from s2s_gui.description import DecodingDefaults
from s2s_gui.engine.options import resolve
from s2s_gui.errors import RequestError
from s2s_gui.messages import DecodeOptions, Sampling

DEFAULTS = DecodingDefaults(never=(2, 3), beam_size=2, length_penalty=0.7)


def test_defaults_are_the_models_own() -> None:
    search = resolve(DecodeOptions(), DEFAULTS)
    assert (search.beam_size, search.length_penalty, search.never) == (2, 0.7, (1, 2, 3))


def test_more_hypotheses_widen_an_open_beam() -> None:
    assert resolve(DecodeOptions(hypotheses=5), DEFAULTS).beam_size == 5


@pytest.mark.parametrize(
    "options",
    [
        DecodeOptions(beam_size=0),
        DecodeOptions(beam_size=65),
        DecodeOptions(hypotheses=0),
        DecodeOptions(beam_size=2, hypotheses=3),
        DecodeOptions(length_penalty=-1),
        DecodeOptions(length_penalty=float("nan")),
        DecodeOptions(max_length_ratio=0),
        DecodeOptions(repeat_limit=0),
        DecodeOptions(sampling=Sampling(temperature=0)),
        DecodeOptions(sampling=Sampling(top_k=-1)),
        DecodeOptions(sampling=Sampling(top_p=1.1)),
        DecodeOptions(sampling=Sampling(seed=-1)),
        DecodeOptions(sampling=Sampling(), beam_size=4),
    ],
)
def test_values_out_of_range_are_refused(options: DecodeOptions) -> None:
    with pytest.raises(RequestError):
        resolve(options, DEFAULTS)
