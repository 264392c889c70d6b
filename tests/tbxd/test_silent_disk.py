"""A file system that does not even say whether a name is there: others do not notice."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tbxd_client import arrays
from tbxd_wire import frame, records
from tbxd_wire.kinds import Kind
from tbxd_wire.messages import Batch, Bye, Hello, Notice, Resync, Welcome
from tests.crash import disks
from tests.waiting import wait_until
from tests.wire import fuse

from .daemons import Client, Daemon
from .encode.making import frame_of
from .hellos import hello_of, scalar_frames
from .test_server import steps_in


@pytest.mark.parametrize(("known", "roots"), [(True, False), (False, True)])
def test_others_go_on(tmp_path: Path, known: bool, roots: bool) -> None:
    """``known``: the daemon looks first what is there of a session; ``roots``: where that is."""
    silence = fuse.Silence()
    options = ["--drain-timeout", "1", *(("--root", str(tmp_path)) if roots else ())]
    with (
        fuse.mounted(tmp_path / "away", "nobody", silence) as away,
        Daemon(tmp_path / "rt", *options) as daemon,
        Client(daemon.directory) as client,
        contextlib.ExitStack() as stack,
    ):
        # Before the daemon is to end: whoever waits for an answer cannot even be killed.
        stack.callback(silence.end)
        here, there = hello_of(str(tmp_path / "here")), hello_of(str(away / "a"), known=known)
        client.say_hello(here)
        frames = scalar_frames(0, 10)
        end = client.log(here.session, 0, frames)
        client.say_hello(there)
        client.send(Batch(there.session, 0, 0, 0, frames))
        wait_until(lambda: silence.waiting, "it is asked")
        began = time.monotonic()
        for number in range(100):
            end = client.log(here.session, end, scalar_frames(10 + number, 11 + number))
        assert time.monotonic() - began < 5.0
        assert client.receive(Notice).text.startswith("the file system does not answer")
        assert "does not answer" in daemon.session(there.session)["trouble"]
        assert daemon.session(here.session)["trouble"] is None
        silence.end()
        # It was not listened to meanwhile; now it is asked for.
        assert client.receive(Resync).session == there.session
        assert daemon.session(there.session)["trouble"] is None
        # It is a directory in which nothing can be made.
        client.send(Batch(there.session, 0, 0, 0, frames))
        assert "away" in client.receive(Notice).text
    assert steps_in(tmp_path / "here") == list(range(110))


def embedding() -> bytes:
    """Return the frame of an embedding."""
    points = arrays.source(np.ones((4, 2), np.float32))
    return frame_of(Kind.EMBEDDING, "points", points, None, None, None, step=0)


class Ward:
    """A healthy file system, with a session on it, and a silent one."""

    def __init__(self, home: Path, away: fuse.Silence, daemon: Daemon, client: Client) -> None:
        self.home = home
        self.silence = away
        self.daemon = daemon
        self.client = client
        self._here = hello_of(str(home / "here"))
        client.say_hello(self._here)
        self._end = client.log(self._here.session, 0, scalar_frames(0, 10))

    def assert_others_go_on(self) -> None:
        """The healthy session goes on while the silent file system is waited for."""
        wait_until(lambda: self.silence.waiting, "it is asked")
        for number in range(10):
            frames = scalar_frames(10 + number, 11 + number)
            self._end = self.client.log(self._here.session, self._end, frames)
        assert self.silence.waiting
        assert self.daemon.session(self._here.session)["trouble"] is None

    def begin(self, hello: Hello, frames: bytes = b"") -> None:
        """Say hello and log something; the answer to it does not come yet."""
        self.client.send(hello)
        while not isinstance(self.client.next(), Welcome):
            # The end of another session is acknowledged as well.
            pass
        self.client.send(Batch(hello.session, 0, 0, 0, frames or scalar_frames(0, 10)))


@pytest.fixture(params=[False, True], ids=["anywhere", "roots"])
def ward(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ward]:
    """Also of a daemon that looks where each path leads before it begins."""
    disks.need("mount")
    silence = fuse.Silence()
    options = ["--drain-timeout", "1", *(("--root", str(tmp_path)) if request.param else ())]
    with (
        disks.mounted(tmp_path / "home", "-t", "tmpfs", "tmpfs") as home,
        Daemon(tmp_path / "rt", *options) as daemon,
        Client(daemon.directory) as client,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(silence.end)
        yield Ward(home, silence, daemon, client)
        silence.end()


def test_others_go_on_where_a_link_leads_there(ward: Ward, tmp_path: Path) -> None:
    with fuse.mounted(tmp_path / "away", "nobody", ward.silence) as away:
        (ward.home / "linked").symlink_to(away / "runs")
        ward.begin(hello_of(str(ward.home / "linked" / "a")))
        ward.assert_others_go_on()


def test_others_go_on_where_a_part_of_a_run_lies_there(ward: Ward) -> None:
    run = ward.home / "run"
    run.mkdir()
    with fuse.mounted(run / "loss", "nobody", ward.silence):
        record = records.encode(Kind.SCALAR_GROUP, "loss", 0, 1.0, {"mean": 0.5})
        ward.begin(hello_of(str(run)), frame.encode(record))
        ward.assert_others_go_on()


def test_others_go_on_where_the_files_of_an_embedding_lie_there(ward: Ward) -> None:
    run = ward.home / "run"
    run.mkdir()
    with fuse.mounted(run / "00000", "nobody", ward.silence):
        ward.begin(hello_of(str(run)), embedding())
        wait_until(lambda: ward.silence.waiting, "it is asked")
        ward.begin(hello_of(str(ward.home / "other")), embedding())
        files = ward.home / "other" / "projector_config.pbtxt"
        wait_until(files.exists, "that of another run is written")
        assert ward.silence.waiting


def test_others_go_on_where_it_is_mounted_over_a_run_that_has_ended(ward: Ward) -> None:
    run = ward.home / "jobs" / "run"
    old = hello_of(str(run))
    ward.client.say_hello(old)
    end = ward.client.log(old.session, 0, scalar_frames(0, 10))
    ward.client.send(Bye(old.session, end, 0))
    (ward.home / "jobs").rename(ward.home / "before")
    with fuse.mounted(ward.home / "jobs", "nobody", ward.silence):
        ward.begin(hello_of(str(run)))
        ward.assert_others_go_on()
