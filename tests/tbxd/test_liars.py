"""A client that lies about where it is, who it is, what it speaks and how much it will send.

Nothing it says makes a record appear twice or elsewhere, changes what is written, ends the daemon
or makes it large; and those who do not lie are served meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest

from tbxd.health import open_descriptors
from tbxd.intake.roster import ENDED_KEPT
from tbxd.recover import SILENT_S
from tbxd_wire import frame, messages
from tbxd_wire.kinds import Kind
from tbxd_wire.limits import MIB, PAYLOAD_BYTES, POSITION_MAX
from tbxd_wire.messages import Ack, Batch, Bye, Reject, Resync, Welcome
from tests.fuzz.conversation import Scene
from tests.waiting import wait_until

from .daemons import Client, Daemon
from .encode.making import frame_of
from .hellos import hello_of, scalar_frame, scalar_frames
from .test_server import steps_in
from .zmtp import Peer

_PATIENCE_S = 5.0
"""How long who does not lie may have to wait for an ack."""

_ROOM_BYTES = 48 * MIB
"""What a daemon may grow by for reasons of its own."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("liars") / "rt") as started:
        yield started


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Client]:
    with Client(daemon.directory) as connected:
        yield connected


@pytest.fixture
def session(client: Client, tmp_path: Path) -> bytes:
    """A session whose first two records are in ``tmp_path / "run"``."""
    hello = hello_of(str(tmp_path / "run"))
    client.say_hello(hello)
    client.log(hello.session, 0, _TWO)
    return hello.session


_TWO = scalar_frames(0, 2)
_END = len(_TWO)


def test_another_past_is_not_written(client: Client, session: bytes, tmp_path: Path) -> None:
    """Duplicates, whole and in part, with other content than the first time."""
    other = scalar_frames(7, 9)
    assert len(other) == _END
    client.send(Batch(session, 0, 0, 0, other))
    # Once the session is taken for gone it hears something in any case.
    assert client.receive(Ack, SILENT_S / 2).position == _END
    client.log(session, 0, other + scalar_frame(2))
    assert steps_in(tmp_path / "run") == [0, 1, 2]


@pytest.mark.parametrize("position", [_END + 1, 1 << 40, POSITION_MAX])
def test_a_position_ahead_is_not_taken(
    client: Client, session: bytes, tmp_path: Path, position: int
) -> None:
    client.send(Batch(session, position, 0, 0, scalar_frame(2)))
    assert client.receive(Resync) == Resync(session)
    client.send(Bye(session, position, 0))
    assert client.receive(Resync) == Resync(session)
    client.log(session, _END, scalar_frame(2))
    assert steps_in(tmp_path / "run") == [0, 1, 2]


@pytest.mark.parametrize("position", [-1, -(1 << 63), 1 << 63, (1 << 64) - 1])
def test_a_position_that_is_none_is_no_message(
    daemon: Daemon, client: Client, session: bytes, tmp_path: Path, position: int
) -> None:
    before = daemon.facts()["daemon"]["malformed_messages"]
    for fields in ([3, session, position, 0, 0], [3, session, _END, position, 0]):
        client.send_raw(msgpack.packb(fields), scalar_frame(2))
    client.send_raw(msgpack.packb([6, session, position, 0]))
    wait_until(
        lambda: daemon.facts()["daemon"]["malformed_messages"] == before + 3, "all are counted"
    )
    client.log(session, _END, scalar_frame(2))
    assert steps_in(tmp_path / "run") == [0, 1, 2]


def test_where_no_stream_goes_on(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    hello = hello_of(str(tmp_path / "run"), position=POSITION_MAX - len(scalar_frame(0)))
    assert client.say_hello(hello).limit == POSITION_MAX
    client.send(Batch(hello.session, hello.position, 0, 0, _TWO))
    client.receive(Resync)
    assert client.log(hello.session, hello.position, scalar_frame(0)) == POSITION_MAX
    assert steps_in(tmp_path / "run") == [0]
    assert daemon.session(hello.session)["gap_bytes"] == 0


def test_an_overlap_that_ends_inside_a_frame_ends_the_session(
    daemon: Daemon, client: Client, session: bytes, tmp_path: Path
) -> None:
    client.send(Batch(session, _END - 3, 0, 0, scalar_frames(2, 4)))
    client.receive(Reject)
    assert daemon.session(session)["state"] == "rejected"
    assert steps_in(tmp_path / "run") == [0, 1]


@pytest.mark.parametrize(
    "payload",
    [
        b"\0",
        bytes(8),
        scalar_frame(2) + scalar_frame(3)[:-1],
        frame.HEADER.pack(5, 0) + b"four",
        frame.HEADER.pack(0x7FFFFFFF, 0),
        frame.HEADER.pack(0xFFFFFFFF, 0),
    ],
    ids=lambda payload: payload[:9].hex(),
)
def test_lengths_that_are_not_there(
    daemon: Daemon, client: Client, session: bytes, tmp_path: Path, payload: bytes
) -> None:
    client.send(Batch(session, _END, 0, 0, payload))
    client.receive(Reject)
    whole = frame.whole(payload)
    assert daemon.session(session)["position"] == _END + whole
    assert steps_in(tmp_path / "run") == list(range(3 if whole else 2))


def test_counts_as_large_as_they_get(daemon: Daemon, client: Client, session: bytes) -> None:
    client.send(Batch(session, _END, POSITION_MAX, POSITION_MAX, scalar_frame(2)))
    client.receive(Ack)
    facts = daemon.session(session)
    assert facts["shed"] == POSITION_MAX
    assert facts["pending_bytes"] == POSITION_MAX


def test_counts_whose_sum_is_larger_still(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    for number in range(5):
        hello = hello_of(str(tmp_path / f"run{number}"))
        client.say_hello(hello)
        client.say_hello(hello._replace(position=POSITION_MAX))
        client.send(Bye(hello.session, POSITION_MAX, POSITION_MAX))
        client.receive(Ack)
    totals = daemon.facts()["totals"]
    assert totals["shed"] == totals["gap_bytes"] == POSITION_MAX


def test_one_who_sends_more_than_was_granted(
    daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    """While its disk takes nothing, too, the daemon keeps no more of it than it has granted."""
    run = tmp_path / "run"
    run.write_text("")
    hello = hello_of(str(run))
    limit = client.say_hello(hello).limit
    batch = b"".join(frame_of(Kind.TEXT, "tag", "x" * 65_000) for _ in range(16))
    position = 0
    while position < 4 * limit:
        client.send(Batch(hello.session, position, 0, 0, batch))
        position += len(batch)
    while not isinstance(client.next(), Resync):
        pass
    facts = daemon.session(hello.session)
    assert limit - MIB < facts["position"] < limit + len(batch)
    run.unlink()
    wait_until(lambda: daemon.session(hello.session)["pending_bytes"] == 0, "all is written")
    # Whoever keeps to it after all goes on where the session stands.
    client.send(hello)
    while not isinstance(message := client.next(), Welcome):
        pass
    assert message.position == facts["position"]


def test_the_name_of_another_session(
    daemon: Daemon, client: Client, session: bytes, tmp_path: Path
) -> None:
    with Client(daemon.directory) as thief:
        thief.send(Batch(session, _END, 0, 0, scalar_frame(7)))
        assert thief.receive(Resync) == Resync(session)
        thief.send(Bye(session, _END, 0))
        assert thief.receive(Resync) == Resync(session)
        client.log(session, _END, scalar_frame(2))
        # Whoever says hello in its name goes on where it stands, and nowhere else.
        hello = hello_of(str(tmp_path / "elsewhere"), session=session, role="rank7")
        assert thief.say_hello(hello).position == _END + len(scalar_frame(2))
        thief.log(session, _END, scalar_frames(2, 4))
        # The one whose name it is hears of it, and loses nothing.
        client.send(Batch(session, _END + len(scalar_frame(2)), 0, 0, scalar_frame(3)))
        client.receive(Resync)
        client.say_hello(hello_of(str(tmp_path / "run"), session=session))
        client.log(session, _END, scalar_frames(2, 5))
    assert steps_in(tmp_path / "run") == [0, 1, 2, 3, 4]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_more_after_a_farewell(
    daemon: Daemon, client: Client, session: bytes, tmp_path: Path
) -> None:
    client.send(Bye(session, _END, 0))
    client.receive(Ack)
    wait_until(lambda: daemon.session(session)["state"] == "closed", "it is closed")
    client.log(session, _END, scalar_frame(2))
    client.log(session, 0, _TWO + scalar_frames(2, 4))
    client.send(Bye(session, 0, 0))
    client.receive(Ack)
    client.log(session, _END, scalar_frames(2, 5))
    assert steps_in(tmp_path / "run") == [0, 1, 2, 3, 4]
    # A farewell that is taken back is none.
    assert client.say_hello(hello_of(session=session)).position == len(scalar_frames(0, 5))
    assert daemon.session(session)["state"] == "live"


@pytest.mark.parametrize(("oldest", "newest"), [(0, 0), (2, 9), (9, 1)])
def test_another_age_is_told_of_both(
    daemon: Daemon, client: Client, tmp_path: Path, oldest: int, newest: int
) -> None:
    hello = hello_of(str(tmp_path / "run"), oldest=oldest, newest=newest)
    client.send(hello)
    reason = client.receive(Reject).reason
    assert f"speaks {oldest} to {newest}" in reason
    assert "this side 1 to 1" in reason
    client.send(Batch(hello.session, 0, 0, 0, scalar_frame(0)))
    assert client.receive(Reject).reason == reason
    assert not (tmp_path / "run").exists()
    # The same process after its upgrade is another session.
    client.say_hello(hello._replace(session=os.urandom(16), oldest=0, newest=9))


def test_a_message_of_4_gib_is_refused_before_it_comes(daemon: Daemon, tmp_path: Path) -> None:
    before = daemon.facts()["daemon"]["rss_bytes"]
    for size in (4 << 30, PAYLOAD_BYTES + 1, (1 << 63) - 1, (1 << 64) - 1):
        with Peer(daemon.directory) as peer:
            peer.claim(size)
            assert peer.is_dropped(), size
        with Peer(daemon.directory) as peer:
            peer.claim(4, more=True)
            peer.claim(size)
            assert peer.is_dropped(), size
    _is_well(daemon, tmp_path, before)


def test_what_is_claimed_and_never_comes_takes_no_memory(daemon: Daemon, tmp_path: Path) -> None:
    """As much as a message may have, thirty times over."""
    before = daemon.facts()["daemon"]["rss_bytes"]
    peers = [Peer(daemon.directory) for _ in range(30)]
    for peer in peers:
        peer.claim(PAYLOAD_BYTES)
    _is_well(daemon, tmp_path, before)
    here = daemon.facts()["daemon"]["open_descriptors"]
    for peer in peers:
        peer.close()
    wait_until(lambda: daemon.facts()["daemon"]["open_descriptors"] <= here - 29, "all are hung up")


def _is_well(daemon: Daemon, tmp_path: Path, rss_before: int) -> None:
    """Check that the daemon serves, and is not much larger than it was."""
    with Client(daemon.directory) as client:
        hello = hello_of(str(tmp_path / "after"))
        client.say_hello(hello)
        client.log(hello.session, 0, _TWO)
    assert daemon.facts()["daemon"]["rss_bytes"] < rss_before + _ROOM_BYTES


def test_ten_thousand_sessions_are_forgotten(tmp_path: Path) -> None:
    """Without the sockets, and on a clock that can be turned on."""
    with contextlib.closing(Scene(tmp_path, notes=False)) as scene:
        descriptors = open_descriptors()
        for number in range(10_000):
            hello = hello_of(str(scene.runs), role=f"crowd{number % 10}")
            scene.hear(number % 4, *messages.encode(hello))
            if number % 100 == 0:
                batch = Batch(hello.session, 0, 0, 0, scalar_frame(number))
                scene.hear(number % 4, *messages.encode(batch))
                scene.turn()
        assert scene.roster.working == 10_000
        scene.wait(SILENT_S + 0.1)
        assert scene.roster.working == 0
        scene.finish()
        assert len(scene.roster) == ENDED_KEPT
        # The event files of ten directories may stay open.
        assert open_descriptors() <= descriptors + 10
        assert steps_in(scene.runs / "crowd0") == list(range(0, 10_000, 100))


def _hear_welcomes(client: Client, count: int) -> None:
    """Wait for so many, whatever else the daemon tells of grants that shrink."""
    while count:
        count -= isinstance(client.next(), Welcome)


def test_ten_thousand_sessions_are_served_and_forgotten(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Opened over a few sockets, and dropped without a word; one that stays is served meanwhile."""
    if not pytestconfig.getoption("long"):
        pytest.skip("takes half a minute: with --long")
    count, at_once = 10_000, 100
    with Daemon(tmp_path / "rt") as daemon, Client(daemon.directory) as good:
        hello = hello_of(str(tmp_path / "run"))
        good.say_hello(hello)
        position = good.log(hello.session, 0, scalar_frame(0))
        before = daemon.facts()["daemon"]
        crowd = [Client(daemon.directory) for _ in range(4)]
        slowest_s = 0.0
        for begin in range(0, count, at_once):
            for number in range(begin, begin + at_once):
                one = hello_of(str(tmp_path / "crowd"), role=f"rank{number % 50}")
                crowd[number % len(crowd)].send(one)
            started = time.monotonic()
            position = good.log(hello.session, position, scalar_frame(1 + begin // at_once))
            slowest_s = max(slowest_s, time.monotonic() - started)
            for each in crowd:
                _hear_welcomes(each, at_once // len(crowd))
        during = daemon.facts()["daemon"]
        assert during["sessions"] > count / 2
        for each in crowd:
            each.close()
        wait_until(lambda: len(daemon.facts()["sessions"]) <= ENDED_KEPT, "they are taken for gone")
        # Without a journal it was taken for gone as well.
        good.send(hello._replace(position=position, known=True))
        _hear_welcomes(good, 1)
        good.log(hello.session, position, scalar_frame(1 + count // at_once))
        assert steps_in(tmp_path / "run") == list(range(2 + count // at_once))
        after = daemon.facts()["daemon"]
    print(f"the slowest ack took {slowest_s:.3f} s; before, with all of them, and after:")
    for facts in (before, during, after):
        print({name: facts[name] for name in ("sessions", "rss_bytes", "open_descriptors")})
    assert slowest_s < _PATIENCE_S
    assert after["open_descriptors"] <= before["open_descriptors"]
    assert after["rss_bytes"] < before["rss_bytes"] + _ROOM_BYTES
