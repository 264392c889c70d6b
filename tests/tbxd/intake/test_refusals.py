"""Reasons are counted each by itself as long as they are few."""

from __future__ import annotations

from tbxd.intake.refusals import OTHERS, REASONS_KEPT, Refusals


def test_each_reason_by_itself() -> None:
    refusals = Refusals()
    assert refusals.last is None
    for reason in ("one", "two", "one"):
        refusals.count(reason)
    assert refusals.by_reason == {"one": 2, "two": 1}
    assert refusals.last == "one"


def test_no_client_can_make_the_report_long() -> None:
    refusals = Refusals()
    for number in range(10 * REASONS_KEPT):
        refusals.count(f"{number}: {'x' * 10_000}")
    assert len(refusals.by_reason) == REASONS_KEPT + 1
    assert refusals.by_reason[OTHERS] == 9 * REASONS_KEPT
    assert sum(refusals.by_reason.values()) == 10 * REASONS_KEPT
    assert sum(map(len, refusals.by_reason)) < 300 * REASONS_KEPT


def test_those_of_several_sessions_together() -> None:
    one, two = Refusals(), Refusals()
    one.count("a")
    one.count("b")
    two.count("b", 3)
    two.add(one)
    assert two.by_reason == {"b": 4, "a": 1}
    assert one.by_reason == {"a": 1, "b": 1}
