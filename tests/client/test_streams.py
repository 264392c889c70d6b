"""The sessions of a link: who comes and goes, also in the midst of another's coming and going."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tbxd_client.outbox import Outbox
from tbxd_client.stream import Stream
from tbxd_client.streams import Streams

from .journals import HELLO, SESSION, numbered, open_journal


class Interrupting(Stream):
    """A stream of which something is asked while another one is looked for among the streams."""

    def __init__(self, directory: Path, then: Callable[[], None]) -> None:
        super().__init__(SESSION, open_journal(str(directory)), Outbox(HELLO))
        self._then: Callable[[], None] | None = then

    def __eq__(self, other: object) -> bool:
        then, self._then = self._then, None
        if then is not None:
            then()
        return self is other

    __hash__ = Stream.__hash__


@pytest.fixture
def make(tmp_path: Path) -> Callable[[], Stream]:
    """Return what makes streams, each with a journal of its own."""
    made: list[Stream] = []

    def make() -> Stream:
        directory = tmp_path / str(len(made))
        directory.mkdir()
        made.append(Stream(SESSION, open_journal(str(directory)), Outbox(HELLO)))
        return made[-1]

    return make


def test_each_is_there_once(make: Callable[[], Stream]) -> None:
    streams, one, other = Streams(), make(), make()
    for each in (one, other, one):
        streams.add(each)
    assert list(streams) == [one, other]
    for each in (one, one):
        streams.remove(each)
    assert list(streams) == [other]


@pytest.mark.parametrize("coming", [True, False])
def test_one_comes_in_the_midst_of_another(
    make: Callable[[], Stream], tmp_path: Path, coming: bool
) -> None:
    """A signal handler opens a writer while the code that it interrupts opens or closes one."""
    streams, one, other = Streams(), make(), make()
    interrupting = Interrupting(tmp_path, lambda: streams.add(other))
    if not coming:
        streams.add(one)
    streams.add(interrupting)
    (streams.add if coming else streams.remove)(one)
    assert set(streams) == {interrupting, other} | ({one} if coming else set())


def test_what_they_ask_for(make: Callable[[], Stream]) -> None:
    streams, one, other = Streams(), make(), make()
    streams.add(one)
    streams.add(other)
    assert not streams.are_pending()
    assert streams.deadline() is None
    streams.park()
    assert one.journal.parked
    assert other.journal.append(numbered(0))
    assert streams.are_pending()
    assert streams.have_work(), "to say hello"
    assert streams.unsent() == 0, "for nobody is connected"
    streams.unpark()
    assert not one.journal.parked
    deadlines = []
    for now, stream in ((5.0, one), (3.0, other)):
        stream.outbox.connect(now)
        deadlines.append(stream.outbox.deadline)
    assert streams.deadline() == min(each for each in deadlines if each is not None)
