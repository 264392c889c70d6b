"""The daemon as a process: a conversation, deaths, full disks, rubbish, and its exits."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tbxd import lock
from tbxd.ask import ask
from tbxd_wire import messages, places
from tbxd_wire.errors import DaemonHeld, DaemonUnreachable
from tbxd_wire.limits import MIB, WINDOW_BYTES
from tbxd_wire.messages import Ack, Batch, Bye, Notice, Reject, Report, Resync, Status, Welcome
from tbxd_wire.places import journal_name
from tests.waiting import wait_until

from .daemons import Client, Daemon
from .hellos import hello_of, scalar_frame, scalar_frames
from .journals import write_segment


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """A runtime directory that a daemon makes for itself."""
    return tmp_path / "rt"


@pytest.fixture
def daemon(runtime: Path) -> Iterator[Daemon]:
    with Daemon(runtime) as started:
        yield started


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Client]:
    with Client(daemon.directory) as connected:
        yield connected


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, as large as the parameter says."""
    if os.getuid() != 0:
        pytest.skip("mounting a file system takes root")
    disk = tmp_path / "small"
    disk.mkdir()
    options = f"size={request.param}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def steps_in(directory: Path) -> list[int]:
    """Return the steps of a directory's scalars as TensorBoard's own loader reads them."""
    steps = []
    for path in sorted(directory.iterdir()):
        if "tfevents" in path.name:
            for event in EventFileLoader(str(path)).Load():
                steps += [event.step for _ in event.summary.value]
    return steps


def test_a_whole_conversation(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    hello = hello_of(str(tmp_path / "run"), job="a job")
    welcome = client.say_hello(hello)
    assert welcome == Welcome(hello.session, 1, 0, WINDOW_BYTES)
    frames = scalar_frames(0, 1000)
    assert client.log(hello.session, 0, frames) == len(frames)
    # The ack means that anybody can read it now.
    assert steps_in(tmp_path / "run") == list(range(1000))
    client.send(Bye(hello.session, len(frames), 4))
    assert client.receive(Ack).position == len(frames)
    facts = daemon.session(hello.session)
    assert facts["state"] == "closed"
    assert facts["records"] == 1000
    assert facts["bytes"] == facts["committed"] == len(frames)
    assert facts["last_step"] == 999
    assert facts["shed"] == 4
    assert facts["job"] == "a job"
    assert facts["pid"] == os.getpid()


def test_the_directory_and_the_socket_are_private(daemon: Daemon) -> None:
    assert daemon.directory.stat().st_mode & 0o777 == 0o700
    assert (daemon.directory / places.SOCKET).stat().st_mode & 0o777 == 0o600


def test_batches_may_come_twice_and_overlap(client: Client, tmp_path: Path) -> None:
    hello = hello_of(str(tmp_path / "run"))
    client.say_hello(hello)
    ends = [len(scalar_frames(0, count)) for count in range(11)]
    frames = scalar_frames(0, 10)
    client.log(hello.session, 0, frames[: ends[6]])
    # A duplicate is acknowledged again: the ack may be what was lost.
    assert client.log(hello.session, 0, frames[: ends[6]]) == ends[6]
    client.log(hello.session, ends[3], frames[ends[3] :])
    assert steps_in(tmp_path / "run") == list(range(10))


def test_a_gap_is_answered_with_resync_and_mends(client: Client, tmp_path: Path) -> None:
    hello = hello_of(str(tmp_path / "run"))
    client.say_hello(hello)
    first = scalar_frame(0)
    client.send(Batch(hello.session, len(first), 0, 0, scalar_frame(1)))
    client.receive(Resync)
    assert client.say_hello(hello).position == 0
    client.log(hello.session, 0, first + scalar_frame(1))
    assert steps_in(tmp_path / "run") == [0, 1]


def test_who_is_not_known_is_asked_for_a_hello(client: Client) -> None:
    session = os.urandom(16)
    client.send(Batch(session, 0, 0, 0, scalar_frame(1)))
    assert client.receive(Resync) == Resync(session)
    client.send(Bye(session, 0, 0))
    assert client.receive(Resync) == Resync(session)


def test_the_newest_connection_is_the_one_that_counts(
    daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    hello = hello_of(str(tmp_path / "run"))
    client.say_hello(hello)
    with Client(daemon.directory) as newer:
        newer.say_hello(hello)
        newer.log(hello.session, 0, scalar_frame(0))
        client.send(Batch(hello.session, 0, 0, 0, scalar_frame(0)))
        client.receive(Resync)
        assert newer.hears_nothing()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"role": "../../etc"}, "names no place"),
        ({"oldest": 7, "newest": 9}, "7 to 9"),
        ({"run": "relative"}, "absolute"),
    ],
)
def test_who_cannot_be_served_is_told_why(
    client: Client, tmp_path: Path, fields: dict[str, str], reason: str
) -> None:
    client.send(hello_of(**{"run": str(tmp_path / "run"), **fields}))  # type: ignore[arg-type]
    assert reason in client.receive(Reject).reason


def test_a_bad_frame_ends_its_session_and_no_other(
    daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    bad, good = hello_of(str(tmp_path / "bad")), hello_of(str(tmp_path / "good"))
    client.say_hello(bad)
    client.say_hello(good)
    frames = scalar_frame(0)
    client.send(Batch(bad.session, 0, 0, 0, frames + b"\xff" * 20))
    assert "checksum" in (reason := client.receive(Reject).reason) or "body" in reason
    # What came before it counts.
    assert client.receive(Ack).position == len(frames)
    client.send(Batch(bad.session, len(frames), 0, 0, scalar_frame(1)))
    assert client.receive(Reject).reason == reason
    client.log(good.session, 0, frames)
    assert daemon.session(bad.session)["state"] == "rejected"
    assert daemon.session(bad.session)["trouble"] == reason
    assert daemon.session(good.session)["state"] == "live"


def test_rubbish_is_counted_and_survived(daemon: Daemon, tmp_path: Path) -> None:
    chance = random.Random(1)
    hello = hello_of(str(tmp_path / "run"))
    whole = [
        messages.encode(message)
        for message in (
            hello,
            Batch(hello.session, 0, 0, 0, scalar_frame(0)),
            Bye(hello.session, 0, 0),
            Ack(hello.session, 0, 0),
            Resync(hello.session),
        )
    ]
    rubbish: list[list[bytes]] = [[b""], [b"\xc1"], [b"\x91" * 5000], [b"x" * 70_000], [b"a"] * 300]
    for _ in range(300):
        parts = [bytes(part) for part in chance.choice(whole)]
        index = chance.randrange(len(parts))
        spoiled = bytearray(parts[index])
        for _ in range(chance.randint(1, 4)):
            if spoiled:
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        parts[index] = bytes(spoiled[: chance.randint(0, len(spoiled))])
        rubbish.append(parts)
    with Client(daemon.directory) as vandal, Client(daemon.directory) as client:
        for parts in rubbish:
            vandal.send_raw(*parts)
        wait_until(lambda: daemon.facts()["daemon"]["malformed_messages"] > 100, "it is counted")
        fresh = hello_of(str(tmp_path / "after"))
        client.say_hello(fresh)
        client.log(fresh.session, 0, scalar_frames(0, 3))
    assert steps_in(tmp_path / "after") == [0, 1, 2]
    assert daemon.log.read_text().count("malformed") < 10


def test_bytes_that_are_no_zeromq_at_all(daemon: Daemon, tmp_path: Path) -> None:
    for content in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b""):
        with socket.socket(socket.AF_UNIX) as raw, contextlib.suppress(BrokenPipeError):
            raw.connect(str(daemon.directory / places.SOCKET))
            raw.sendall(content)
    with Client(daemon.directory) as client:
        client.say_hello(hello_of(str(tmp_path / "run")))


def test_status_answers_anybody(client: Client) -> None:
    client.send(Status(messages.NO_SESSION))
    facts = client.receive(Report).facts
    assert facts["daemon"]["pid"] > 0
    assert facts["sessions"] == []


def test_status_of_very_many_sessions(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    for _ in range(300):
        client.send(hello_of(str(tmp_path / ("x" * 200))))
    wait_until(lambda: len(daemon.facts()["sessions"]) == 300, "all are in the report")


def test_windows_shrink_while_there_are_many(runtime: Path, tmp_path: Path) -> None:
    with Daemon(runtime, "--memory-limit", "16MiB") as daemon, Client(daemon.directory) as client:
        first = hello_of(str(tmp_path / "run"))
        assert client.say_hello(first).limit == WINDOW_BYTES
        limits = []
        for _ in range(3):
            client.send(hello_of(str(tmp_path / "run")))
            limits.append(client.receive(Welcome).limit)
            if limits[-1] < WINDOW_BYTES and len(limits) == 2:
                break
        assert limits == [WINDOW_BYTES, 4 * MIB]
        # The two that were there before are told without having asked.
        assert {client.receive(Ack).limit for _ in range(2)} == {4 * MIB}


def test_a_killed_daemon_and_its_successor_write_everything_once(
    runtime: Path, tmp_path: Path
) -> None:
    hello = hello_of(str(tmp_path / "run"))
    frames = [scalar_frame(step) for step in range(3000)]
    ends = [0]
    for each in frames:
        ends.append(ends[-1] + len(each))
    stream = b"".join(frames)
    acked = 0
    for life in range(4):
        with Daemon(runtime) as daemon, Client(runtime) as client:
            hello = hello_of(hello.run, session=hello.session, position=acked, known=life > 0)
            position = client.say_hello(hello).position
            assert position == acked
            goal = len(stream) if life == 3 else ends[600 * (life + 1)]
            while position < goal:
                end = ends[min(ends.index(position) + 100, len(frames))]
                client.send(Batch(hello.session, position, 0, 0, stream[position:end]))
                position = end
            # Killed while acks are on their way: what they say counts if it arrived.
            while acked < goal - (0 if life == 3 else 5000):
                acked = client.receive(Ack).position
            if life < 3:
                daemon.kill()
    assert steps_in(tmp_path / "run") == list(range(3000))
    assert len(list((tmp_path / "run").iterdir())) == 4


def test_dead_journals_are_written_at_the_start(runtime: Path, tmp_path: Path) -> None:
    runtime.mkdir(mode=0o700)
    hello = hello_of(str(tmp_path / "run"))
    write_segment(runtime, hello, 0, 0, scalar_frames(0, 500))
    with Daemon(runtime) as daemon:
        wait_until(lambda: not list(runtime.glob("*.journal")), "the journal is worked off")
        assert daemon.session(hello.session)["state"] == "died"
        assert steps_in(tmp_path / "run") == list(range(500))


def test_a_death_is_noticed_when_somebody_asks(
    daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    hello = hello_of(str(tmp_path / "run"))
    client.say_hello(hello)
    client.log(hello.session, 0, scalar_frames(0, 5))
    write_segment(daemon.directory, hello, 0, 0, scalar_frames(0, 9))
    assert daemon.session(hello.session)["recovering"]
    wait_until(lambda: daemon.session(hello.session)["state"] == "died", "the journal is read")
    assert steps_in(tmp_path / "run") == list(range(9))


def test_a_second_daemon_says_who_is_there(daemon: Daemon) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "tbxd", "serve", "--directory", str(daemon.directory)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode == 1
    assert f"pid {daemon.process.pid}," in second.stderr
    assert second.stderr.count("\n") == 1
    assert daemon.facts()["daemon"]["pid"] == daemon.process.pid


def test_a_stale_socket_is_no_hindrance(runtime: Path) -> None:
    with Daemon(runtime) as daemon:
        daemon.kill()
    assert (runtime / places.SOCKET).exists()
    with Daemon(runtime) as daemon:
        assert daemon.facts()["daemon"]["pid"] == daemon.process.pid


@pytest.mark.parametrize("name", [places.DAEMON_LOCK, places.SOCKET])
def test_a_daemon_that_nobody_can_find_leaves(runtime: Path, name: str) -> None:
    """Somebody cleans temporary directories up; the next daemon serves, and keeps its socket."""
    with Daemon(runtime) as first:
        (runtime / name).unlink()
        assert first.process.wait(30) == 0
        with Daemon(runtime) as second:
            assert ask(str(runtime), 5.0)["daemon"]["pid"] == second.process.pid


@pytest.mark.parametrize("position", [1 << 63, (1 << 64) - 1])
def test_numbers_no_stream_reaches(daemon: Daemon, client: Client, position: int) -> None:
    client.send(hello_of("/nowhere", position=position))
    wait_until(lambda: daemon.facts()["daemon"]["malformed_messages"] == 1, "it is counted")


def test_a_directory_others_may_enter_is_not_trusted(runtime: Path) -> None:
    runtime.mkdir(mode=0o755)
    with Daemon(runtime) as daemon:
        assert daemon.wait() == 1
    assert "0755" in daemon.log.read_text()


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    runtime = tmp_path / ("x" * 120) / "rt"
    with Daemon(runtime) as daemon, Client(runtime) as client:
        client.say_hello(hello_of(str(tmp_path / "run")))
        assert daemon.facts()["daemon"]["directory"] == str(runtime)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_commits_acknowledges_and_leaves(
    runtime: Path, tmp_path: Path, number: int
) -> None:
    with Daemon(runtime) as daemon, Client(runtime) as client:
        hello = hello_of(str(tmp_path / "run"))
        client.say_hello(hello)
        client.log(hello.session, 0, scalar_frames(0, 5))
        daemon.signal(number)
        assert daemon.wait() == 0
    assert not (runtime / places.SOCKET).exists()
    with pytest.raises(DaemonUnreachable):
        ask(str(runtime))


def test_a_hang_up_is_ignored(daemon: Daemon) -> None:
    daemon.signal(signal.SIGHUP)
    assert daemon.facts()["daemon"]["pid"] == daemon.process.pid


def test_idle_it_leaves(runtime: Path, tmp_path: Path) -> None:
    with Daemon(runtime, "--idle-exit", "0.5") as daemon:
        with Client(runtime) as client:
            hello = hello_of(str(tmp_path / "run"))
            client.say_hello(hello)
            frames = scalar_frame(0)
            client.log(hello.session, 0, frames)
            client.send(Bye(hello.session, len(frames), 0))
            client.receive(Ack)
        assert daemon.wait() == 0


def test_it_does_not_leave_while_a_session_lives(runtime: Path, tmp_path: Path) -> None:
    with Daemon(runtime, "--idle-exit", "0.2") as daemon, Client(runtime) as client:
        hello = hello_of(str(tmp_path / "run"))
        client.say_hello(hello)
        with pytest.raises(subprocess.TimeoutExpired):
            daemon.process.wait(1.0)
        client.log(hello.session, 0, scalar_frame(0))


def test_it_does_not_leave_while_a_process_lives_that_has_not_said_hello(
    runtime: Path, tmp_path: Path
) -> None:
    runtime.mkdir(mode=0o700)
    path = write_segment(runtime, hello_of(str(tmp_path / "run")), 0, 0, scalar_frame(0))
    holder = (
        "import fcntl,sys; f=open(sys.argv[1],'r+'); fcntl.lockf(f,2); print(); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with Daemon(runtime, "--idle-exit", "0.2") as daemon:
            with pytest.raises(subprocess.TimeoutExpired):
                daemon.process.wait(1.0)
            process.kill()
            process.wait()
            assert daemon.wait() == 0
    assert steps_in(tmp_path / "run") == [0]
    assert not path.exists()


@pytest.mark.parametrize("small_disk", ["128k"], indirect=True)
def test_a_full_disk_is_waited_out(
    daemon: Daemon, client: Client, tmp_path: Path, small_disk: Path
) -> None:
    hello, other = hello_of(str(small_disk / "run")), hello_of(str(tmp_path / "run"))
    client.say_hello(hello)
    client.say_hello(other)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 100_000)
    frames = scalar_frames(0, 3000)
    client.send(Batch(hello.session, 0, 0, 0, frames))
    assert "No space left on device" in client.receive(Notice).text
    # Whoever writes elsewhere is not held up.
    client.log(other.session, 0, scalar_frame(0))
    facts = daemon.session(hello.session)
    assert "No space left on device" in facts["trouble"]
    assert facts["committed"] == 0
    assert facts["lag_s"] > 0
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    while client.receive(Ack).position < len(frames):
        pass
    assert steps_in(small_disk / "run") == list(range(3000))
    assert len(list((small_disk / "run").iterdir())) == 1
    assert daemon.session(hello.session)["trouble"] is None
    log = daemon.log.read_text()
    assert "is held up: No space left on device" in log
    assert log.count(f"(pid {hello.pid}, {small_disk}/run) goes on again") == 1


@pytest.mark.parametrize("small_disk", ["2m"], indirect=True)
def test_so_much_stays_free(runtime: Path, small_disk: Path) -> None:
    with Daemon(runtime, "--keep-free", "1MiB") as daemon, Client(runtime) as client:
        hello = hello_of(str(small_disk / "run"))
        client.say_hello(hello)
        client.log(hello.session, 0, first := scalar_frames(0, 10))
        filler = small_disk / "filler"
        filler.write_bytes(bytes(1_000_000))
        many = scalar_frames(10, 3000)
        client.send(Batch(hello.session, len(first), 0, 0, many))
        assert "1,048,576 bytes are to stay free (--keep-free)" in client.receive(Notice).text
        assert daemon.session(hello.session)["committed"] == len(first)
        assert os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize >= 1 << 20
        filler.unlink()
        while client.receive(Ack).position < len(first) + len(many):
            pass
        assert steps_in(small_disk / "run") == list(range(3000))


@pytest.mark.parametrize("small_disk", ["64k"], indirect=True)
def test_told_to_stop_on_a_full_disk_it_leaves_in_time(runtime: Path, small_disk: Path) -> None:
    with Daemon(runtime, "--drain-timeout", "0.3") as daemon, Client(runtime) as client:
        hello = hello_of(str(small_disk / "run"))
        client.say_hello(hello)
        client.send(Batch(hello.session, 0, 0, 0, scalar_frames(0, 3000)))
        client.receive(Notice)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    assert "stays in the journals" in daemon.log.read_text()


def test_while_it_drains_it_is_said_to_be_leaving(runtime: Path, tmp_path: Path) -> None:
    # A directory that can never be made is as good as a full disk.
    (tmp_path / "file").write_text("")
    hello = hello_of(str(tmp_path / "file" / "run"))
    with Daemon(runtime, "--drain-timeout", "60") as daemon, Client(runtime) as client:
        client.say_hello(hello)
        client.send(Batch(hello.session, 0, 0, 0, scalar_frame(0)))
        client.receive(Notice)
        with pytest.raises(DaemonHeld) as held:
            lock.acquire(str(runtime))
        assert "leaving" not in held.value.holder
        daemon.signal(signal.SIGTERM)
        wait_until(lambda: "INFO: leaving: told to stop" in daemon.log.read_text(), "it drains")
        with pytest.raises(DaemonUnreachable, match=f"pid {daemon.process.pid}, .* is leaving: "):
            ask(str(runtime), 0.1)
        with pytest.raises(DaemonHeld, match=r", leaving$"):
            lock.acquire(str(runtime))
        daemon.kill()
    with pytest.raises(DaemonUnreachable, match="none is running there"):
        ask(str(runtime), 0.1)


def test_a_second_signal_ends_it_at_once(runtime: Path, tmp_path: Path) -> None:
    # A directory that can never be made is as good as a full disk.
    blocked = tmp_path / "file"
    blocked.write_text("")
    with Daemon(runtime, "--drain-timeout", "600") as daemon, Client(runtime) as client:
        hello = hello_of(str(blocked / "run"))
        client.say_hello(hello)
        client.send(Batch(hello.session, 0, 0, 0, scalar_frame(0)))
        client.receive(Notice)
        daemon.signal(signal.SIGTERM)
        # It has begun to drain when it takes no hello any more.
        wait_until(lambda: not _welcomes(client, tmp_path), "the daemon drains")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == -signal.SIGTERM


def _welcomes(client: Client, tmp_path: Path) -> bool:
    client.send(hello_of(str(tmp_path / "run")))
    try:
        client.receive(Welcome, timeout_s=0.5)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("policy", ["never", "interval", "commit"])
def test_every_fsync_policy_acknowledges(runtime: Path, tmp_path: Path, policy: str) -> None:
    with Daemon(runtime, "--fsync", policy) as daemon, Client(runtime) as client:
        hello = hello_of(str(tmp_path / "run"))
        client.say_hello(hello)
        position = 0
        for begin in range(0, 50, 10):
            position = client.log(hello.session, position, scalar_frames(begin, begin + 10))
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    assert steps_in(tmp_path / "run") == list(range(50))


def test_a_service_manager_hears_of_it(runtime: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30.0)
        with Daemon(
            runtime, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000"
        ) as daemon:
            heard = [manager.recv(1000)]
            while heard.count(b"WATCHDOG=1") < 3:
                heard.append(manager.recv(1000))
            assert heard[0] == b"READY=1"
            assert b"STATUS=0 sessions at work" in heard
            daemon.signal(signal.SIGTERM)
            while heard[-1] != b"STOPPING=1":
                heard.append(manager.recv(1000))
            assert daemon.wait() == 0


def test_the_daemon_never_takes_a_core_from_its_waker(daemon: Daemon) -> None:
    assert os.sched_getscheduler(daemon.process.pid) == os.SCHED_BATCH


def test_numpy_starts_no_threads_beside_the_daemons(daemon: Daemon) -> None:
    """Those of its linear algebra spin for work: half a core, wherever a training runs."""
    daemon.facts()
    # The main thread and ZeroMQ's two; on a machine with one core numpy would start none anyway.
    assert len(os.listdir(f"/proc/{daemon.process.pid}/task")) == 3


def test_an_idle_daemon_uses_no_time(daemon: Daemon) -> None:
    def spent() -> int:
        fields = Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def wake_ups() -> int:
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        (line,) = (each for each in status.splitlines() if each.startswith("voluntary_ctxt"))
        return int(line.split()[1])

    daemon.facts()
    before, woken = spent(), wake_ups()
    with pytest.raises(subprocess.TimeoutExpired):
        daemon.process.wait(2.0)
    assert spent() - before <= 2
    assert wake_ups() - woken <= 10


def test_a_daemon_that_is_not_there() -> None:
    with pytest.raises(DaemonUnreachable) as caught:
        ask("/nowhere/at/all")
    assert caught.value.exit_code == 3


def test_a_segment_that_its_process_died_over_is_deleted_while_the_daemon_runs(
    daemon: Daemon,
) -> None:
    unborn = daemon.directory / f"{journal_name(os.urandom(16), 0)}.new"
    unborn.write_bytes(b"")
    os.utime(unborn, (1.0, 1.0))
    wait_until(lambda: not unborn.exists(), "the file is deleted")


def test_it_says_the_release_that_runs_and_not_one_installed_since(
    tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site" / "tbxd-7.0.dist-info" / "METADATA"
    installed.parent.mkdir(parents=True)
    installed.write_text("Metadata-Version: 2.1\nName: tbxd\nVersion: 7.0\n")
    before = os.environ.get("PYTHONPATH")
    path = [str(tmp_path / "site"), *([before] if before else [])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    with Daemon(runtime) as daemon:
        assert daemon.facts()["daemon"]["version"] == "7.0"
        installed.write_text("Metadata-Version: 2.1\nName: tbxd\nVersion: 8.0\n")
        assert daemon.facts()["daemon"]["version"] == "7.0"
