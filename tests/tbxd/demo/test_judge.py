"""Every way in which files can differ from what was logged is seen, and no other."""

from __future__ import annotations

from collections import Counter

import pytest

from tbxd.demo.judge import Account, account, accounts
from tbxd.demo.notebooks import Notes, Record, value_bytes

_VALUE = value_bytes(0.5)


def _record(step: int, value: bytes = _VALUE) -> Record:
    return ("loss", step, value)


def _notes(*steps: int, unsettled: int | None = None) -> Notes:
    return Notes(
        returned=Counter(_record(step) for step in steps),
        unsettled=None if unsettled is None else _record(unsettled),
        mean_us=1.0,
        median_us=1.0,
    )


def _found(*steps: int) -> Counter[Record]:
    return Counter(_record(step) for step in steps)


@pytest.mark.parametrize(
    ("notes", "found", "expected"),
    [
        (_notes(1, 2, 3), _found(1, 2, 3), Account(3, 3, 0, 0, 0, None)),
        (_notes(), _found(), Account(0, 0, 0, 0, 0, None)),
        (_notes(1, 1), _found(1, 1), Account(2, 2, 0, 0, 0, None)),
        (_notes(1, 2, unsettled=3), _found(1, 2), Account(2, 2, 0, 0, 0, False)),
        (_notes(1, 2, unsettled=3), _found(1, 2, 3), Account(2, 3, 0, 0, 0, True)),
        # The call it was killed in repeated an earlier one.
        (_notes(1, 2, unsettled=2), _found(1, 2), Account(2, 2, 0, 0, 0, False)),
        (_notes(1, 2, unsettled=2), _found(1, 2, 2), Account(2, 3, 0, 0, 0, True)),
    ],
)
def test_what_was_promised(notes: Notes, found: Counter[Record], expected: Account) -> None:
    judged = account(notes, found)
    assert judged == expected
    assert judged.right


@pytest.mark.parametrize(
    ("notes", "found", "expected"),
    [
        (_notes(1, 2, 3), _found(1, 3), Account(3, 2, 1, 0, 0, None)),
        (_notes(1, 2, 3), _found(), Account(3, 0, 3, 0, 0, None)),
        (_notes(1, 2, 3), _found(1, 2, 2, 2, 3), Account(3, 5, 0, 2, 0, None)),
        (_notes(1, 2), _found(1, 2, 9), Account(2, 3, 0, 0, 1, None)),
        (_notes(1, 1), _found(1), Account(2, 1, 1, 0, 0, None)),
        (_notes(1, unsettled=2), _found(1, 2, 2), Account(1, 3, 0, 1, 0, True)),
        # One lost and one twice do not make up for each other.
        (_notes(1, 2), _found(1, 1), Account(2, 2, 1, 1, 0, None)),
        (_notes(1, unsettled=2), _found(2), Account(1, 1, 1, 0, 0, True)),
    ],
)
def test_what_was_not(notes: Notes, found: Counter[Record], expected: Account) -> None:
    judged = account(notes, found)
    assert judged == expected
    assert not judged.right


def test_a_wrong_value_is_one_lost_and_one_strange() -> None:
    judged = account(_notes(1), Counter({_record(1, value_bytes(0.25)): 1}))
    assert (judged.lost, judged.strange, judged.right) == (1, 1, False)


def test_a_record_in_another_directory_is_lost_in_its_own() -> None:
    ours, elsewhere = accounts(
        {"": _notes(1), "loader0": _notes(2)}, {"": _found(1, 2), "somewhere": _found(2)}
    )
    assert ours[""].strange == 1
    assert ours["loader0"].lost == 1
    assert elsewhere == 1
