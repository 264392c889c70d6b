"""A file system that does not even say whether a name is there: others do not notice."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from tbxd_wire.messages import Batch, Notice, Resync
from tests.wire import fuse

from .daemons import Client, Daemon
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
        assert silence.waiting
        client.send(Batch(there.session, 0, 0, 0, frames))
        began = time.monotonic()
        for number in range(100):
            end = client.log(here.session, end, scalar_frames(10 + number, 11 + number))
        assert time.monotonic() - began < 5.0
        assert client.receive(Notice).text.startswith("the file system does not answer")
        assert "does not answer" in daemon.session(there.session)["trouble"]
        assert daemon.session(here.session)["trouble"] is None
        silence.end()
        if known:
            # It was not listened to meanwhile; now it is asked for.
            assert client.receive(Resync).session == there.session
            assert daemon.session(there.session)["trouble"] is None
        else:
            # It is a directory in which nothing can be made.
            assert "away" in client.receive(Notice).text
    assert steps_in(tmp_path / "here") == list(range(110))
