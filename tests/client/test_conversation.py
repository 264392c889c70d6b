"""Both machines joined: a client and daemons that come and go, over a link that does its worst.

Messages are lost, doubled, reordered; connections break; daemons die and forget everything that
is not committed. Whatever happens:

* the client never takes for committed what is not, so never gives up what only it has;
* one daemon takes each byte of the stream once and in order, from where it began;
* when the link is sound again, everything is committed after a bounded number of messages.
"""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tbxd.intake.session import Session, Verdict
from tbxd_client.outbox import SILENCE_S, Outbox, State
from tbxd_wire.messages import Ack, Batch, Hello, Message, Notice, Refused, Reject, Resync, Welcome

SESSION = bytes(range(16))
HELLO = Hello(SESSION, 1, 1, 0, False, "/run", "", 1, "host", "", "", 1.5)


class Daemon:
    """One life of a daemon, with one session in it."""

    def __init__(self, durable: bytearray) -> None:
        self.session: Session | None = None
        self.begin = 0
        self.taken = bytearray()
        """What it accepted, from ``begin`` on."""
        self.durable = durable
        """What all lives together have committed."""
        self.window = 100

    def receive(self, message: Message) -> Iterator[Message]:
        """Take a message from the client; yield the answers."""
        match message:
            case Hello():
                if self.session is None:
                    self.session = Session(message)
                    self.begin = message.position
                yield self.session.welcome(message, self.window)
                assert self.session.gap_bytes == 0, "the client could still send it"
            case Batch():
                if self.session is None:
                    yield Resync(SESSION)
                    return
                verdict, offset = self.session.offer(message.position, len(message.payload))
                if verdict is Verdict.ACCEPT:
                    self.taken += message.payload[offset:]
                    self.session.accept(message.position + len(message.payload))
                elif verdict is Verdict.GAP:
                    yield Resync(SESSION)

    def commit(self, position: int) -> None:
        """Write what was taken before ``position``; what is there already is dropped."""
        assert self.session is not None
        assert self.begin <= len(self.durable), "a hole in the event file"
        for place, byte in enumerate(self.taken[: position - self.begin], self.begin):
            if place == len(self.durable):
                self.durable.append(byte)
            assert self.durable[place] == byte
        self.session.commit(position)

    def acks(self) -> Iterator[Message]:
        """Yield the ack that is due."""
        if self.session is not None and self.session.ack_due:
            yield self.session.acknowledge(self.window)


class Conversation(RuleBasedStateMachine):
    """The stream's bytes are numbers, so that a wrong one is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.outbox = Outbox(HELLO)
        self.stream = bytearray()
        self.ends = [0]
        self.durable = bytearray()
        self.daemon = Daemon(self.durable)
        self.to_daemon: list[Message] = []
        self.to_client: list[Message] = []

    # -- what the client does

    @rule(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8))
    def append(self, sizes: list[int]) -> None:
        for size in sizes:
            start = len(self.stream)
            self.stream += bytes((start + each) % 251 for each in range(size))
            self.ends.append(len(self.stream))

    @precondition(lambda self: self.outbox.state is State.SILENT)
    @rule()
    def connect(self) -> None:
        self._say(self.outbox.connect(self.now))

    @precondition(lambda self: self.outbox.state is not State.SILENT)
    @rule(lost=st.booleans())
    def disconnect(self, lost: bool) -> None:
        """The connection breaks; what the client had sent may still arrive, late."""
        self.outbox.disconnect()
        self.to_client.clear()
        if lost:
            self.to_daemon.clear()

    @rule(frames=st.integers(1, 4))
    def send(self, frames: int) -> None:
        while (limit := self.outbox.sendable(len(self.stream))) is not None:
            position = self.outbox.sent
            assert position >= self.outbox.acked, "what is acknowledged may be gone"
            here = self.ends.index(position)
            ends = [end for end in self.ends[here + 1 : here + 1 + frames] if end <= limit]
            end = max(ends, default=self.ends[here + 1])
            payload = bytes(self.stream[position:end])
            self._say(self.outbox.batch(payload, end, len(self.stream), 0, self.now))

    @rule(seconds=st.sampled_from([0.1, SILENCE_S / 2, SILENCE_S]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._say(self.outbox.expired(self.now))

    # -- what the daemon does

    @precondition(lambda self: self.daemon.session is not None)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        session = self.daemon.session
        assert session is not None
        places = [end for end in self.ends if session.committed < end <= session.accepted]
        if places:
            self.daemon.commit(data.draw(st.sampled_from(places)))

    @rule()
    def acknowledge(self) -> None:
        self.to_client += self.daemon.acks()

    @precondition(lambda self: self.daemon.session is not None)
    @rule(window=st.sampled_from([1, 30, 100, 1000]))
    def change_the_window(self, window: int) -> None:
        """More sessions came, or fewer: grants change unasked."""
        self.daemon.window = window
        assert self.daemon.session is not None
        self.to_client.append(self.daemon.session.acknowledge(window))

    @rule()
    def refuse(self) -> None:
        self.to_client.append(Refused(SESSION, 1, "no record"))

    @rule()
    def notice(self) -> None:
        self.to_client.append(Notice(SESSION, "the disk is full"))

    @rule()
    def die(self) -> None:
        """SIGKILL; the next daemon knows nothing, and the connection is a new one."""
        self.daemon = Daemon(self.durable)
        self.disconnect(True)

    @rule()
    def die_unnoticed(self) -> None:
        """The same, but the client's messages reach the next one over the old connection."""
        self.daemon = Daemon(self.durable)

    # -- what the link does

    @precondition(lambda self: self.to_daemon)
    @rule(data=st.data(), keep=st.sampled_from([False, False, False, True]))
    def deliver_to_daemon(self, data: st.DataObject, keep: bool) -> None:
        self.to_client += self.daemon.receive(self._take(self.to_daemon, data, keep))

    @precondition(lambda self: self.to_client and self.outbox.state is not State.SILENT)
    @rule(data=st.data(), keep=st.sampled_from([False, False, False, True]))
    def deliver_to_client(self, data: st.DataObject, keep: bool) -> None:
        self._hear(self._take(self.to_client, data, keep))

    @precondition(lambda self: self.to_daemon or self.to_client)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        queues = [queue for queue in (self.to_daemon, self.to_client) if queue]
        self._take(data.draw(st.sampled_from(queues)), data, False)

    # -- what always holds

    @invariant()
    def positions_are_in_order(self) -> None:
        assert 0 <= self.outbox.acked <= self.outbox.sent <= len(self.stream)
        assert self.outbox.acked in self.ends
        assert self.outbox.sent in self.ends

    @invariant()
    def acknowledged_is_committed(self) -> None:
        assert self.outbox.acked <= len(self.durable)
        assert self.stream.startswith(self.durable)

    @invariant()
    def a_daemon_takes_everything_once_and_in_order(self) -> None:
        daemon = self.daemon
        end = daemon.begin + len(daemon.taken)
        assert daemon.taken == self.stream[daemon.begin : end]
        if daemon.session is not None:
            assert daemon.session.accepted == end

    @invariant()
    def nobody_was_rejected(self) -> None:
        assert self.outbox.state is not State.REFUSED

    def teardown(self) -> None:
        """The link is sound again: all of it must be committed, without another loss."""
        self.append([7])
        for _ in range(1000):
            if self.outbox.acked == len(self.stream):
                break
            if self.outbox.state is State.SILENT:
                self.connect()
            self.send(3)
            if self.to_daemon:
                self.to_client += self.daemon.receive(self.to_daemon.pop(0))
            elif self.to_client:
                self._hear(self.to_client.pop(0))
            elif (session := self.daemon.session) is not None and session.uncommitted:
                self.daemon.commit(session.accepted)
                self.to_client += self.daemon.acks()
            elif (session := self.daemon.session) is not None and session.ack_due:
                self.to_client += self.daemon.acks()
            else:
                self.wait(SILENCE_S)
        else:
            raise AssertionError(f"stuck at {self.outbox.acked} of {len(self.stream)}")
        assert self.durable == self.stream

    def _say(self, message: Message | None) -> None:
        if message is not None:
            self.to_daemon.append(message)

    def _hear(self, message: Message) -> None:
        assert isinstance(message, (Welcome, Ack, Resync, Notice, Refused, Reject))
        self._say(self.outbox.receive(message, len(self.stream), self.now))

    @staticmethod
    def _take(queue: list[Message], data: st.DataObject, keep: bool) -> Message:
        """Take a message out of any place of the queue; ``keep`` it there too for another time."""
        index = data.draw(st.integers(0, len(queue) - 1))
        return queue[index] if keep else queue.pop(index)


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
