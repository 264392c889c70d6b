from __future__ import annotations

from tbxd.sinks import steps
from tbxd.sinks.steps import Steps


def test_a_step_below_the_one_before_of_its_tag_is_counted() -> None:
    seen = Steps()
    for tag, step in [("a", 5), ("b", 1), ("a", 5), ("a", 4), ("a", 3), ("a", 6), ("b", 2)]:
        seen.see(tag, step)
    assert seen.went_back == 2


def test_a_record_without_a_step_says_nothing() -> None:
    seen = Steps()
    seen.see("a", 5)
    seen.see("a", None)
    seen.see("a", 5)
    assert seen.went_back == 0


def test_one_step_of_several_tags() -> None:
    seen = Steps()
    seen.see_all(["a", "b"], 5)
    seen.see_all(["a", "b", "c"], 4)
    assert seen.went_back == 2


def test_the_tags_that_are_watched_are_bounded() -> None:
    seen = Steps()
    for number in range(steps.TAGS + 5):
        seen.see(str(number), 10)
    for number in range(steps.TAGS + 5):
        seen.see(str(number), 9)
    assert seen.went_back == steps.TAGS
