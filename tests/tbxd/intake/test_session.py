"""One session's positions: in order, once, and never backwards, whatever the link does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tbxd.intake.session import Session, State, Verdict
from tbxd_wire.limits import POSITION_MAX
from tbxd_wire.messages import Ack, Hello, Reject, Welcome
from tests.tbxd.hellos import hello_of


def welcomed(session: Session, hello: Hello, window: int = 100) -> Welcome:
    answer = session.welcome(hello, window)
    assert isinstance(answer, Welcome)
    return answer


def session_at(position: int = 0, *, known: bool = False) -> Session:
    """A session that may send 100 bytes."""
    hello = hello_of(position=position, known=known)
    session = Session(hello)
    welcomed(session, hello)
    return session


def state_of(session: Session) -> State:
    """Ask anew: a type checker takes an asserted attribute for one that stays."""
    return session.state


def test_a_new_session_begins_where_its_client_can() -> None:
    hello = hello_of(position=700, known=True)
    session = Session(hello)
    answer = welcomed(session, hello, 50)
    assert (answer.position, answer.limit) == (700, 750)
    assert state_of(session) is State.LIVE


def test_only_a_session_somebody_knew_is_looked_for_in_the_files() -> None:
    assert not Session(hello_of()).resumes
    assert Session(hello_of(known=True)).resumes
    assert Session(hello_of(), recovered=True).resumes


def test_batches_are_taken_in_order() -> None:
    session = session_at()
    assert session.offer(0, 10) == (Verdict.ACCEPT, 0)
    session.accept(10)
    assert session.offer(10, 5) == (Verdict.ACCEPT, 0)


def test_nothing_is_taken_that_begins_where_nothing_was_granted() -> None:
    """However much a client sends: one batch beyond its grant, and no more."""
    session = session_at()
    assert session.offer(0, 99) == (Verdict.ACCEPT, 0)
    session.accept(99)
    assert session.offer(99, 5000) == (Verdict.ACCEPT, 0)
    session.accept(5099)
    assert session.offer(5099, 1) == (Verdict.GAP, 0)
    session.commit(5099)
    # What an earlier grant allowed may still be on its way when it shrinks.
    assert session.acknowledge(100).limit == 5199
    assert session.acknowledge(0).limit == 5099
    assert session.offer(5099, 50) == (Verdict.ACCEPT, 0)
    session.accept(5149)
    assert session.offer(5199, 1) == (Verdict.GAP, 0)


def test_an_overlap_is_cut_off() -> None:
    session = session_at()
    session.accept(10)
    assert session.offer(4, 10) == (Verdict.ACCEPT, 6)


@pytest.mark.parametrize(("position", "size"), [(0, 10), (3, 7), (10, 0), (0, 0)])
def test_a_duplicate_is_dropped_and_acknowledged(position: int, size: int) -> None:
    session = session_at()
    session.accept(10)
    session.commit(10)
    session.acknowledge(1)
    assert session.offer(position, size) == (Verdict.DUPLICATE, 0)
    assert session.ack_due


def test_a_gap_is_not_taken() -> None:
    session = session_at()
    assert session.offer(1, 10) == (Verdict.GAP, 0)
    assert session.accepted == 0


def test_no_answer_names_a_position_that_no_message_can() -> None:
    session = session_at(POSITION_MAX - 10)
    assert welcomed(session, session.hello).limit == POSITION_MAX
    assert session.offer(POSITION_MAX - 10, 11) == (Verdict.GAP, 0)
    assert session.offer(POSITION_MAX - 10, 10) == (Verdict.ACCEPT, 0)
    session.accept(POSITION_MAX)
    session.commit(POSITION_MAX)
    ack = session.acknowledge(100)
    assert (ack.position, ack.limit) == (POSITION_MAX, POSITION_MAX)


def test_an_ack_speaks_of_what_is_committed_and_grants_beyond_it() -> None:
    session = session_at()
    session.accept(10)
    assert not session.ack_due
    session.commit(6)
    assert session.ack_due
    assert session.acknowledge(100) == Ack(session.name, 6, 106)
    assert not session.ack_due


@pytest.mark.parametrize("position", [-1, 4, 11])
def test_committed_stays_between_itself_and_accepted(position: int) -> None:
    session = session_at()
    session.accept(10)
    session.commit(5)
    with pytest.raises(ValueError, match="committed goes"):
        session.commit(position)


def test_accepted_never_goes_back() -> None:
    session = session_at()
    session.accept(10)
    with pytest.raises(ValueError, match="goes back"):
        session.accept(9)


def test_a_later_hello_is_welcomed_where_the_session_stands() -> None:
    session = session_at()
    session.accept(10)
    session.commit(4)
    session.acknowledge(100)
    answer = welcomed(session, hello_of(session=session.name, position=2))
    assert (answer.position, answer.limit) == (10, 104)
    # The client may have lost the ack of 4, and may have nothing more to send.
    assert session.ack_due


def test_a_client_that_cannot_go_back_far_enough_leaves_a_gap() -> None:
    session = session_at()
    session.accept(10)
    session.commit(10)
    answer = welcomed(session, hello_of(session=session.name, position=25))
    assert answer.position == 25
    assert session.gap_bytes == 15
    assert session.committed == 25


def test_a_gap_behind_uncommitted_frames_is_not_committed_before_them() -> None:
    session = session_at()
    session.accept(10)
    assert session.skip(25) == 15
    assert session.committed == 0
    assert session.accepted == 25


def test_nothing_is_skipped_backwards() -> None:
    session = session_at(10)
    assert session.skip(5) == 0
    assert (session.accepted, session.gap_bytes) == (10, 0)


def test_a_session_closes_when_its_end_is_committed() -> None:
    session = session_at()
    session.accept(10)
    assert session.end(10) is Verdict.ACCEPT
    assert state_of(session) is State.LIVE
    session.commit(10)
    assert state_of(session) is State.CLOSED


def test_an_end_behind_what_arrived_is_a_gap() -> None:
    session = session_at()
    assert session.end(10) is Verdict.GAP
    assert state_of(session) is State.LIVE


def test_a_bye_is_always_acknowledged() -> None:
    session = session_at()
    session.end(0)
    assert session.ack_due


def test_a_closed_session_that_says_hello_lives_again() -> None:
    session = session_at()
    session.end(0)
    assert state_of(session) is State.CLOSED
    welcomed(session, hello_of(session=session.name))
    assert state_of(session) is State.LIVE


def test_a_session_that_an_exception_has_ended_has_died() -> None:
    session = session_at()
    session.accept(10)
    assert session.end(10, "OverflowError") is Verdict.ACCEPT
    assert (state_of(session), session.cause) == (State.DIED, "OverflowError")
    session.commit(10)
    assert state_of(session) is State.DIED
    welcomed(session, hello_of(session=session.name))
    assert (state_of(session), session.cause) == (State.LIVE, "")


def test_who_says_farewell_has_not_died() -> None:
    session = session_at()
    session.die()
    session.end(0)
    assert state_of(session) is State.CLOSED


def test_a_dead_session_keeps_what_was_accepted() -> None:
    session = session_at()
    session.accept(10)
    session.die()
    assert state_of(session) is State.DIED
    session.commit(10)
    assert session.committed == 10


def test_a_rejected_session_gives_its_first_reason_for_ever() -> None:
    session = session_at()
    session.reject("a bad frame")
    assert session.reject("another one") == Reject(session.name, "a bad frame")
    assert state_of(session) is State.REJECTED
    assert session.offer(0, 10) == (Verdict.OVER, 0)
    assert session.end(0) is Verdict.OVER
    answer = session.welcome(hello_of(session=session.name), 10)
    assert answer == Reject(session.name, "a bad frame")


def test_a_rejected_session_commits_what_it_had() -> None:
    session = session_at()
    session.accept(10)
    session.reject("a bad frame")
    session.commit(10)
    assert session.acknowledge(0) == Ack(session.name, 10, 10)


def test_the_journal_of_a_rejected_session_may_be_sound() -> None:
    session = session_at()
    session.reject("a bad frame on the socket")
    session.reopen()
    assert state_of(session) is State.DIED
    assert session.offer(0, 10) == (Verdict.ACCEPT, 0)
    assert session.resumes


@pytest.mark.parametrize(("oldest", "newest"), [(7, 9), (0, 0)])
def test_another_protocol_is_rejected_with_both_ranges(oldest: int, newest: int) -> None:
    hello = hello_of(oldest=oldest, newest=newest)
    answer = Session(hello).welcome(hello, 10)
    assert isinstance(answer, Reject)
    assert f"{oldest} to {newest}" in answer.reason
    assert "1 to 1" in answer.reason


def test_a_wider_range_of_protocols_is_welcome() -> None:
    hello = hello_of(oldest=1, newest=9)
    assert welcomed(Session(hello), hello).version == 1


FRAME = 10
"""Every frame of the model's stream has this size, so boundaries are its multiples."""


class Link(RuleBasedStateMachine):
    """A client that keeps to its grants, and a session, over a link that loses and reorders."""

    def __init__(self) -> None:
        super().__init__()
        self.hello = hello_of()
        self.session = Session(self.hello)
        self.tail = 0
        self.acked = 0
        self.taken: list[int] = []
        self.flying: list[tuple[int, int]] = []
        self.acks: list[Ack] = []
        self.limit = welcomed(self.session, self.hello).limit

    @rule(frames=st.integers(1, 5))
    def log(self, frames: int) -> None:
        self.tail += frames * FRAME

    @precondition(lambda self: self.acked < self.limit)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        last = min(self.tail, self.limit - 1)
        begin = data.draw(st.integers(self.acked // FRAME, last // FRAME)) * FRAME
        end = data.draw(st.integers(begin // FRAME, self.tail // FRAME)) * FRAME
        self.flying.append((begin, end))

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), keep=st.booleans())
    def deliver(self, data: st.DataObject, keep: bool) -> None:
        index = data.draw(st.integers(0, len(self.flying) - 1))
        begin, end = self.flying[index] if keep else self.flying.pop(index)
        verdict, offset = self.session.offer(begin, end - begin)
        if verdict is Verdict.ACCEPT:
            self.taken += range(begin + offset, end, FRAME)
            self.session.accept(end)
        else:
            assert (verdict is Verdict.GAP) == (begin > self.session.accepted)

    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        low, high = self.session.committed // FRAME, self.session.accepted // FRAME
        self.session.commit(data.draw(st.integers(low, high)) * FRAME)

    @precondition(lambda self: self.session.ack_due)
    @rule()
    def acknowledge(self) -> None:
        self.acks.append(self.session.acknowledge(64))

    @precondition(lambda self: self.acks)
    @rule(data=st.data())
    def receive_ack(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.acks) - 1))
        ack = self.acks.pop(index)
        self.acked = max(self.acked, ack.position)
        self.limit = ack.limit

    @rule()
    def reconnect(self) -> None:
        hello = hello_of(session=self.session.name, position=self.acked, known=True)
        answer = welcomed(self.session, hello)
        assert answer.position == self.session.accepted
        self.limit = answer.limit

    @invariant()
    def every_frame_was_taken_once_and_in_order(self) -> None:
        assert self.taken == list(range(0, self.session.accepted, FRAME))

    @invariant()
    def positions_are_in_order(self) -> None:
        assert self.acked <= self.session.committed <= self.session.accepted <= self.tail

    @invariant()
    def no_frame_is_gone(self) -> None:
        assert self.session.gap_bytes == 0


TestLink = Link.TestCase
TestLink.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.lists(st.integers(0, 1000)))
def test_welcomes_never_go_backwards(positions: list[int]) -> None:
    session = session_at()
    reached = 0
    for position in positions:
        answer = welcomed(session, hello_of(session=session.name, position=position))
        assert answer.position >= reached
        reached = answer.position
    assert reached == max(positions, default=0)
