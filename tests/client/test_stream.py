"""A journal and its machine tied together: what each must hear of the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tbxd_client.outbox import Outbox, State
from tbxd_client.stream import Stream
from tbxd_wire import frame
from tbxd_wire.messages import Ack, Bye, Reject, Welcome

from .journals import HELLO, SESSION, make_segments_small, numbered, open_journal
from .leftovers import read_session

NUMBERS = range(300)


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stream:
    """Return a stream with some records in it."""
    make_segments_small(monkeypatch)
    stream = Stream(SESSION, open_journal(str(tmp_path)), Outbox(HELLO))
    for number in NUMBERS:
        assert stream.journal.append(numbered(number))
    return stream


def opened(stream: Stream, limit: int = 1 << 30) -> Stream:
    """Have a daemon welcome the stream."""
    stream.outbox.connect(0.0)
    assert stream.receive(Welcome(SESSION, 1, 0, limit), 0.0) is None
    return stream


def test_what_there_is_to_do(stream: Stream) -> None:
    tail = stream.journal.tail
    assert (stream.pending(), stream.unsent()) == (tail, 0)
    assert stream.is_pending()
    assert stream.has_work(), "to say hello"
    stream.outbox.connect(0.0)
    assert not stream.has_work(), "but to wait for the welcome"
    opened(stream)
    assert stream.unsent() == tail
    assert stream.has_work()
    list(stream.batches(0.0))
    assert (stream.pending(), stream.unsent()) == (tail, 0)
    assert not stream.has_work()
    stream.receive(Ack(SESSION, tail, 1 << 30), 0.0)
    assert not stream.is_pending()


def test_batches_are_the_stream_in_order(stream: Stream) -> None:
    opened(stream)
    stream.journal.shed = 3
    batches = list(stream.batches(0.0))
    tail, position, payload = stream.journal.tail, 0, b""
    for batch in batches:
        assert batch.position == position
        position += len(batch.payload)
        assert batch.behind == tail - position
        assert batch.shed == 3
        payload += batch.payload
    assert len(batches) > 1
    assert position == tail
    assert [bytes(body) for _, body in frame.walk(payload)] == [numbered(each) for each in NUMBERS]


def test_a_welcome_and_acks_reach_the_journal(stream: Stream, tmp_path: Path) -> None:
    assert not read_session(str(tmp_path), SESSION).known
    opened(stream)
    assert read_session(str(tmp_path), SESSION).known
    first, *_ = stream.batches(0.0)
    end = len(first.payload)
    stream.receive(Ack(SESSION, end, 1 << 30), 0.0)
    assert read_session(str(tmp_path), SESSION).released == end


def test_the_end_of_a_stream(stream: Stream, tmp_path: Path) -> None:
    opened(stream)
    list(stream.batches(0.0))
    assert not stream.finish(), "not before everything is committed"
    tail = stream.journal.tail
    stream.receive(Ack(SESSION, tail, 1 << 30), 0.0)
    assert stream.finish()
    assert stream.done
    assert not stream.finish(), "once"
    assert stream.bye() == Bye(SESSION, tail, 0)
    assert list(tmp_path.iterdir()) == []
    stream.abandon()


def test_an_abandoned_stream_is_left_to_a_daemon(stream: Stream, tmp_path: Path) -> None:
    stream.abandon()
    stream.abandon()
    assert stream.done
    assert not stream.journal.append(b"late")
    assert not stream.finish()
    expected = [numbered(each) for each in NUMBERS]
    assert read_session(str(tmp_path), SESSION).bodies == expected


def test_a_refused_stream_has_nothing_to_do(stream: Stream) -> None:
    opened(stream)
    stream.receive(Reject(SESSION, "no"), 0.0)
    assert stream.outbox.state is State.REFUSED
    assert stream.pending() > 0
    assert not stream.is_pending()
    assert not stream.has_work()
    assert list(stream.batches(0.0)) == []
