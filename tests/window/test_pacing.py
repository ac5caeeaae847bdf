"""Rules P1 to P6 one by one, with times that the test makes up."""

import pytest

from s2s_gui.window.pacing import Cause, Pacer, changed_lines, changed_text, estimated_tokens

TYPED = Cause.TYPED


def pacer(token_seconds: float, start_seconds: float = 0.02) -> Pacer:
    """Return a pacer that has measured a model of this speed."""
    made = Pacer()
    for _ in range(4):
        made.measured(11, start_seconds, start_seconds + 10 * token_seconds)
    return made


def test_p2_a_fast_model_starts_at_once() -> None:
    fast = pacer(0.004)
    fast.edited(10.0, TYPED, 10)
    assert fast.start_time() == 10.0


def test_p2_a_slower_model_waits_for_half_the_work() -> None:
    slow = pacer(0.015)
    slow.edited(10.0, TYPED, 20)
    assert slow.start_time() == pytest.approx(10.0 + 0.5 * (0.02 + 20 * 0.015))


def test_p2_the_wait_has_an_upper_end_for_each_pace() -> None:
    for pace, longest in (("eager", 0.2), ("normal", 0.4), ("calm", 0.6)):
        slow = pacer(0.5)
        slow.pace = pace  # type: ignore[assignment]
        slow.edited(10.0, TYPED, 20)
        assert slow.start_time() == pytest.approx(10.0 + longest)


@pytest.mark.parametrize("cause", [Cause.SENTENCE_END, Cause.PASTED, Cause.COMMITTED])
def test_p3_a_finished_thought_waits_30_ms(cause: Cause) -> None:
    slow = pacer(0.04)
    slow.edited(10.0, cause, 20)
    assert slow.start_time() == pytest.approx(10.03)


@pytest.mark.parametrize("cause", [Cause.ASKED, Cause.DIRECTION])
def test_p3_a_command_waits_not_at_all_and_ends_the_running_job(cause: Cause) -> None:
    slow = pacer(0.04)
    slow.started(9.0, 20)
    assert slow.edited(9.8, cause, 20)
    assert slow.start_time() == 9.8


def test_p4_a_job_with_much_left_is_ended() -> None:
    slow = pacer(0.04)
    slow.started(10.0, 20)
    assert slow.edited(10.2, TYPED, 20)
    slow.ended(is_finished=True)
    assert slow.start_time() == pytest.approx(10.6)


def test_p4_a_job_that_is_nearly_done_may_end_before_the_next_starts() -> None:
    slow = pacer(0.04)
    slow.started(10.0, 20)
    assert not slow.edited(10.7, TYPED, 20)
    assert slow.start_time() is None
    slow.ended(is_finished=True)
    assert slow.start_time() == pytest.approx(11.1)


def test_p5_text_does_not_grow_older_than_a_second_and_a_half() -> None:
    slow = pacer(0.08)
    for key in range(16):
        slow.edited(10.0 + key * 0.1, TYPED, 20)
        assert slow.start_time() == pytest.approx(10.0 + key * 0.1 + 0.4)
    slow.edited(11.6, TYPED, 20)
    assert slow.start_time() == 11.6


def test_p5_old_text_lets_the_running_job_end_and_starts_the_next_at_once() -> None:
    slow = pacer(0.08)
    slow.edited(9.0, TYPED, 30)
    slow.started(10.0, 30)
    slow.edited(10.1, TYPED, 30)
    assert not slow.edited(11.7, TYPED, 30)
    assert slow.start_time() is None
    slow.ended(is_finished=True)
    assert slow.start_time() == 11.7


def test_p5_a_job_that_was_ended_has_made_nothing_fresh() -> None:
    slow = pacer(0.08)
    slow.edited(10.0, TYPED, 20)
    slow.started(10.4, 20)
    assert slow.edited(10.5, TYPED, 20)
    slow.ended(is_finished=False)
    slow.started(10.9, 20)
    assert not slow.edited(11.6, TYPED, 20)
    slow.ended(is_finished=True)
    assert slow.start_time() == 11.6
    slow.started(11.6, 20)
    assert slow.edited(11.7, TYPED, 20)


def test_p5_is_left_out_when_calm() -> None:
    slow = pacer(0.08)
    slow.pace = "calm"
    slow.edited(10.0, TYPED, 20)
    slow.edited(12.0, TYPED, 20)
    assert slow.start_time() == pytest.approx(12.6)


def test_p6_the_first_run_of_a_model_and_cached_runs_are_not_measured() -> None:
    made = Pacer()
    before = made.cost(10)
    made.measured(10, 5.0, 50.0)
    made.measured(0, 0.0, 0.0)
    assert made.cost(10) == before
    made.measured(11, 0.1, 1.1)
    assert made.cost(10) == pytest.approx(0.1 + 10 * 0.1)
    made.forget_speed()
    assert made.cost(10) == before


def test_p6_one_slow_run_does_not_change_the_median() -> None:
    made = pacer(0.01)
    made.measured(11, 0.02, 60.0)
    assert made.cost(10) == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ([], ["Hello."], "Hello."),
        (["One. Two. Three."], ["One. Twos. Three."], " Twos."),
        (["One. Two."], ["One. Two. T"], " T"),
        (["a", "b", "c"], ["a", "b", "x", "c"], "x"),
        (["a", "b"], ["a"], ""),
        (["你好。今天"], ["你好。今天很"], "今天很"),
    ],
)
def test_p1_only_the_changed_sentence_counts(old: list[str], new: list[str], changed: str) -> None:
    assert changed_text(old, new) == changed


def test_changed_lines_do_not_overlap() -> None:
    assert changed_lines(["a", "a"], ["a", "a", "a"]) == (2, 0)
    assert changed_lines(["a"], ["a"]) == (1, 0)
    assert changed_lines(["a", "b", "c"], ["x", "c"]) == (0, 1)


def test_han_needs_more_tokens_for_each_character_than_latin() -> None:
    assert estimated_tokens("今天天气很好我们") > estimated_tokens("abcdefgh")
    assert estimated_tokens("") == 1
