"""The sending machine by itself: each message in each state, and nothing a liar says believed."""

from __future__ import annotations

import pytest

from tbxd_client.outbox import SILENCE_S, Outbox, State
from tbxd_wire.messages import (
    Ack,
    Batch,
    Bye,
    Hello,
    Message,
    Notice,
    Refused,
    Reject,
    Resync,
    Status,
    Welcome,
)

SESSION = bytes(range(16))
HELLO = Hello(SESSION, 1, 1, 0, False, "/run", "", 1, "host", "", "", 1.5)
TAIL = 1000


def opened(position: int = 0, limit: int = 500) -> Outbox:
    """Return an outbox that a daemon has welcomed at ``position``."""
    outbox = Outbox(HELLO)
    assert outbox.connect(0.0) == HELLO
    assert outbox.receive(Welcome(SESSION, 1, position, limit), TAIL, 1.0) is None
    assert outbox.state is State.OPEN
    return outbox


def sent(outbox: Outbox, end: int) -> Outbox:
    """Send a batch up to ``end``."""
    position = outbox.sent
    batch = outbox.batch(b"frames", end, TAIL, 3, 2.0)
    assert batch == Batch(SESSION, position, TAIL - end, 3, b"frames")
    assert outbox.sent == end
    return outbox


def test_nothing_may_be_sent_before_the_welcome() -> None:
    outbox = Outbox(HELLO)
    assert outbox.sendable(TAIL) is None
    outbox.connect(0.0)
    assert outbox.sendable(TAIL) is None
    assert not outbox.known


def test_the_welcome_grants_a_window() -> None:
    outbox = opened(limit=500)
    assert outbox.known
    assert outbox.sendable(TAIL) == 500
    sent(outbox, 499)
    assert outbox.sendable(TAIL) == 500
    # A batch may be longer than what is left of the window; then nothing more goes.
    sent(outbox, 620)
    assert outbox.sendable(TAIL) is None


def test_nothing_is_sendable_at_the_tail() -> None:
    outbox = opened(limit=5000)
    assert sent(outbox, TAIL).sendable(TAIL) is None
    assert outbox.sendable(TAIL + 1) == 5000


def test_acks_move_the_window() -> None:
    outbox = sent(opened(limit=500), 500)
    outbox.receive(Ack(SESSION, 300, 800), TAIL, 3.0)
    assert (outbox.acked, outbox.sent) == (300, 500)
    assert outbox.sendable(TAIL) == 800
    outbox.receive(Ack(SESSION, 300, 400), TAIL, 3.0)
    assert outbox.sendable(TAIL) is None, "the daemon may take a grant back"


@pytest.mark.parametrize("position", [501, TAIL, TAIL + 1, 1 << 63])
def test_an_ack_of_what_was_not_sent_is_not_believed(position: int) -> None:
    outbox = sent(opened(limit=500), 500)
    outbox.receive(Ack(SESSION, position, 1 << 62), TAIL, 3.0)
    assert outbox.acked == 0
    assert outbox.sendable(TAIL) is None


def test_an_old_ack_takes_nothing_back() -> None:
    outbox = sent(opened(limit=500), 500)
    outbox.receive(Ack(SESSION, 400, 900), TAIL, 3.0)
    outbox.receive(Ack(SESSION, 300, 800), TAIL, 3.0)
    assert outbox.acked == 400


def test_a_welcome_goes_back_no_further_than_what_is_committed() -> None:
    outbox = sent(opened(limit=500), 500)
    outbox.receive(Ack(SESSION, 400, 900), TAIL, 3.0)
    outbox.disconnect()
    hello = outbox.connect(4.0)
    assert hello is not None
    assert (hello.position, hello.known) == (400, True)
    outbox.receive(Welcome(SESSION, 1, 100, 1000), TAIL, 5.0)
    assert (outbox.acked, outbox.sent) == (400, 400)


@pytest.mark.parametrize("position", [TAIL + 1, 1 << 63])
def test_a_welcome_reaches_no_further_than_the_tail(position: int) -> None:
    outbox = opened(position=position, limit=1 << 63)
    assert outbox.sent == TAIL
    assert outbox.sendable(TAIL) is None


def test_what_the_daemon_has_already_is_not_sent_again() -> None:
    outbox = sent(opened(limit=500), 500)
    outbox.disconnect()
    assert outbox.state is State.SILENT
    outbox.connect(4.0)
    outbox.receive(Welcome(SESSION, 1, 350, 900), TAIL, 5.0)
    assert (outbox.acked, outbox.sent) == (0, 350)


def test_resync_says_hello_again() -> None:
    outbox = sent(opened(limit=500), 500)
    outbox.receive(Ack(SESSION, 200, 700), TAIL, 3.0)
    hello = outbox.receive(Resync(SESSION), TAIL, 4.0)
    assert hello is not None
    assert hello.position == 200
    assert outbox.state is State.GREETING
    # A second one, already on its way, is answered by the same hello.
    assert outbox.receive(Resync(SESSION), TAIL, 4.0) is None


@pytest.mark.parametrize(
    "message",
    [
        Welcome(SESSION, 1, 400, 1 << 40),
        Notice(SESSION, "late"),
        Status(SESSION),
        Bye(SESSION, 0, 0),
    ],
)
def test_what_makes_no_sense_moves_nothing(message: Message) -> None:
    outbox = sent(opened(limit=500), 500)
    assert outbox.receive(message, TAIL, 3.0) is None
    assert (outbox.state, outbox.acked, outbox.sent) == (State.OPEN, 0, 500)
    assert outbox.sendable(TAIL) is None


@pytest.mark.parametrize("message", [Ack(SESSION, 100, 900), Resync(SESSION), Reject(SESSION, "x")])
def test_without_a_connection_nothing_is_heard(message: Message) -> None:
    outbox = sent(opened(limit=500), 500)
    outbox.disconnect()
    assert outbox.receive(message, TAIL, 3.0) is None
    assert (outbox.state, outbox.acked) == (State.SILENT, 0)


@pytest.mark.parametrize("greeting", [False, True])
def test_a_rejection_is_for_good(greeting: bool) -> None:
    outbox = sent(opened(limit=500), 500)
    if greeting:
        outbox.receive(Resync(SESSION), TAIL, 3.0)
    outbox.receive(Reject(SESSION, "no such version"), TAIL, 3.0)
    assert outbox.state is State.REFUSED
    assert outbox.notice == "no such version"
    assert outbox.deadline is None
    assert outbox.connect(4.0) is None
    assert outbox.expired(1e9) is None
    outbox.disconnect()
    assert outbox.receive(Welcome(SESSION, 1, 0, 900), TAIL, 5.0) is None
    assert outbox.state is State.REFUSED
    assert outbox.sendable(TAIL) is None


def test_a_notice_is_kept_until_there_is_progress() -> None:
    outbox = sent(opened(limit=500), 500)
    outbox.receive(Notice(SESSION, "the disk is full"), TAIL, 3.0)
    outbox.receive(Ack(SESSION, 0, 500), TAIL, 3.5)
    assert outbox.notice == "the disk is full"
    outbox.receive(Ack(SESSION, 100, 600), TAIL, 4.0)
    assert outbox.notice == ""


def test_what_is_refused_adds_up_and_is_no_progress() -> None:
    outbox = sent(opened(limit=500), 500)
    outbox.receive(Refused(SESSION, 2, "no picture"), TAIL, 3.0)
    outbox.receive(Refused(SESSION, 1, "no sound"), TAIL, 3.0)
    assert (outbox.refused, outbox.refusal) == (3, "no sound")
    assert (outbox.acked, outbox.notice, outbox.deadline) == (0, "", 2.0 + SILENCE_S)
    outbox.receive(Ack(SESSION, 500, 600), TAIL, 4.0)
    assert (outbox.refused, outbox.refusal) == (3, "no sound")


def test_a_notice_is_no_welcome() -> None:
    """The welcome is still due, and may be lost."""
    outbox = Outbox(HELLO)
    outbox.connect(10.0)
    outbox.receive(Notice(SESSION, "the disk is full"), TAIL, 11.0)
    assert outbox.notice == "the disk is full"
    assert outbox.expired(10.0 + SILENCE_S) == HELLO


def test_silence_is_answered_with_a_hello() -> None:
    outbox = Outbox(HELLO)
    outbox.connect(10.0)
    assert outbox.deadline == 10.0 + SILENCE_S
    assert outbox.expired(10.0 + SILENCE_S - 0.1) is None
    assert outbox.expired(10.0 + SILENCE_S) == HELLO
    assert outbox.deadline == 10.0 + 2 * SILENCE_S


def test_an_idle_session_expects_nothing() -> None:
    outbox = opened(limit=500)
    assert outbox.deadline is None
    sent(outbox, 300)
    assert outbox.deadline == 2.0 + SILENCE_S
    sent(outbox, 400)
    assert outbox.deadline == 2.0 + SILENCE_S
    outbox.receive(Ack(SESSION, 300, 900), TAIL, 9.0)
    assert outbox.deadline == 9.0 + SILENCE_S, "any answer shows that there is somebody"
    outbox.receive(Ack(SESSION, 400, 900), TAIL, 9.5)
    assert outbox.deadline is None
    assert outbox.expired(1e9) is None


def test_bye() -> None:
    assert opened().bye(70, 2, "KeyError") == Bye(SESSION, 70, 2, "KeyError")
