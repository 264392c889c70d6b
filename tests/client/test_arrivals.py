"""tbxd_client.arrivals: one thing for all of its copies."""

from __future__ import annotations

import gc
import os
import weakref

import pytest

from tbxd_client.arrivals import KEPT, Arrivals


class Thing:
    """Something that can be seen to go."""


def test_a_thing_is_made_once() -> None:
    arrivals: Arrivals[Thing] = Arrivals()
    first = arrivals.get(1, Thing)
    assert arrivals.get(1, Thing) is first
    assert arrivals.get(2, Thing) is not first


def test_what_was_asked_for_last_is_kept() -> None:
    arrivals: Arrivals[Thing] = Arrivals()
    things = [weakref.ref(arrivals.get(number, Thing)) for number in range(KEPT)]
    arrivals.get(0, Thing)
    arrivals.get(KEPT, Thing)
    gc.collect()
    assert [number for number in range(KEPT) if things[number]() is None] == [1]


def test_what_cannot_be_made_is_not_kept() -> None:
    arrivals: Arrivals[Thing] = Arrivals()

    def fail() -> Thing:
        raise OSError("no directory")

    with pytest.raises(OSError, match="no directory"):
        arrivals.get(1, fail)
    assert isinstance(arrivals.get(1, Thing), Thing)


def test_a_child_makes_its_own_and_destroys_nothing() -> None:
    arrivals: Arrivals[Thing] = Arrivals()
    mine = weakref.ref(arrivals.get(1, Thing))
    child = os.fork()
    if child == 0:
        gc.collect()
        alive = mine() is not None and arrivals.get(1, Thing) is not mine()
        os._exit(0 if alive else 1)
    assert os.waitpid(child, 0)[1] == 0
