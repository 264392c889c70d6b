"""A daemon that is confined to roots, before clients who want it to write elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tbxd.cli import group
from tbxd.reading.events import events_of
from tbxd_client import SummaryWriter
from tbxd_wire.kinds import Kind
from tbxd_wire.messages import Batch, Bye, Notice, Reject
from tests.waiting import wait_until

from .daemons import Client, Daemon
from .encode.making import frame_of
from .hellos import hello_of, scalar_frame, scalar_frames
from .journals import write_segment
from .test_hostile import embedding


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a root in it, and other names."""
    base = tmp_path_factory.mktemp("roots")
    for name in ("root", "rootless", "elsewhere"):
        (base / name).mkdir()
    (base / "alias").symlink_to("root")
    return base


@pytest.fixture(scope="module")
def daemon(base: Path) -> Iterator[Daemon]:
    with Daemon(base / "rt", "--root", str(base / "alias")) as started:
        yield started


@pytest.fixture
def root(base: Path, tmp_path: Path) -> Path:
    """A directory of a test's own beneath the root."""
    own = base / "root" / tmp_path.name
    own.mkdir()
    return own


@pytest.fixture
def elsewhere(base: Path) -> Iterator[Path]:
    """A place outside, in which nothing must be written."""
    yield base / "elsewhere"
    for name in ("elsewhere", "rootless"):
        assert not list((base / name).rglob("*"))


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Client]:
    with Client(daemon.directory) as connected:
        yield connected


def steps_of(run: Path) -> list[int]:
    return [event.step for event in events_of(str(run)) if event.HasField("summary")]


@pytest.mark.parametrize("run", ["root/run", "alias/deep/run", "root", "elsewhere/../root/x"])
def test_beneath_a_root(client: Client, base: Path, run: str) -> None:
    hello = hello_of(str(base / run))
    client.say_hello(hello)
    client.log(hello.session, 0, scalar_frames(0, 3))
    assert steps_of(base / run) == [0, 1, 2]


@pytest.mark.parametrize("run", ["elsewhere/run", "", "rootless/run", "root/../elsewhere/run"])
def test_outside(daemon: Daemon, client: Client, elsewhere: Path, base: Path, run: str) -> None:
    client.send(hello_of(f"{base}/{run}"))
    reason = client.receive(Reject).reason
    assert f"is not beneath {base / 'root'} (--root)" in reason
    assert daemon.process.poll() is None


@pytest.mark.parametrize("role", ["", "rank1", "rank1/worker0"])
def test_through_a_link(client: Client, root: Path, elsewhere: Path, role: str) -> None:
    link = root / "run" / role.partition("/")[0]
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere)
    client.send(hello_of(str(root / "run"), role=role))
    assert "(--root)" in client.receive(Reject).reason


def test_a_link_to_a_place_beneath_the_root(client: Client, root: Path) -> None:
    (root / "real").mkdir()
    (root / "run").symlink_to("real")
    hello = hello_of(str(root / "run"))
    client.say_hello(hello)
    client.log(hello.session, 0, scalar_frames(0, 3))
    assert steps_of(root / "real") == [0, 1, 2]


def test_records_whose_own_directory_is_a_link(
    daemon: Daemon, client: Client, root: Path, elsewhere: Path
) -> None:
    """They are refused, each by itself."""
    run = root / "run"
    run.mkdir()
    (run / "group").symlink_to(elsewhere)
    hello = hello_of(str(run))
    client.say_hello(hello)
    group = frame_of(Kind.SCALAR_GROUP, "group", {"a": 1.0})
    client.log(hello.session, 0, scalar_frame(1) + group + scalar_frame(2))
    facts = daemon.session(hello.session)
    assert (facts["refused"], facts["records"], facts["state"]) == (1, 3, "live")
    assert "(--root)" in facts["refused_reason"]
    assert steps_of(run) == [1, 2]


def test_a_link_to_a_name_that_is_not_utf8(
    daemon: Daemon, client: Client, root: Path, base: Path
) -> None:
    """What is said of it can be sent, shown and noted in the run."""
    odd = base / os.fsdecode(b"caf\xe9")
    odd.mkdir(exist_ok=True)
    run = root / "run"
    run.mkdir()
    for name in ("group", "role"):
        (run / name).symlink_to(odd)
    client.send(hello_of(str(run), role="role"))
    assert r"caf\udce9 is not beneath" in client.receive(Reject).reason
    hello = hello_of(str(run))
    client.say_hello(hello)
    group = frame_of(Kind.SCALAR_GROUP, "group", {"a": 1.0})
    end = client.log(hello.session, 0, scalar_frame(1) + group)
    client.send(Bye(hello.session, end, 0))
    wait_until(lambda: daemon.session(hello.session)["state"] == "closed", "the session ends")
    assert r"caf\udce9" in daemon.session(hello.session)["refused_reason"]


def test_an_embedding_whose_directory_is_a_link(
    daemon: Daemon, client: Client, root: Path, elsewhere: Path
) -> None:
    """Its files wait until there is a way for them."""
    run = root / "run"
    (run / "00003").mkdir(parents=True)
    (run / "00003" / "tag").symlink_to(elsewhere)
    hello = hello_of(str(run))
    client.say_hello(hello)
    client.send(Batch(hello.session, 0, 0, 0, embedding("tag") + scalar_frame(2)))
    wait_until(lambda: "(--root)" in (daemon.session(hello.session)["trouble"] or ""), "trouble")
    assert not (run / "projector_config.pbtxt").exists()
    (run / "00003" / "tag").unlink()
    wait_until(lambda: daemon.session(hello.session)["pending_bytes"] == 0, "all is written")
    assert steps_of(run) == [2]


def test_a_run_that_becomes_a_link(
    daemon: Daemon, client: Client, root: Path, elsewhere: Path
) -> None:
    """What is logged then waits until it is a directory again."""
    run = root / "run"
    hello = hello_of(str(run))
    client.say_hello(hello)
    position = client.log(hello.session, 0, scalar_frames(0, 3))
    run.rename(root / "moved")
    run.symlink_to(elsewhere)
    client.send(Batch(hello.session, position, 0, 0, scalar_frames(3, 6)))
    assert "(--root)" in client.receive(Notice).text
    run.unlink()
    wait_until(lambda: daemon.session(hello.session)["pending_bytes"] == 0, "all is written")
    assert steps_of(root / "moved") == [0, 1, 2]
    assert steps_of(run) == [3, 4, 5]


def test_the_journal_of_a_dead_process(daemon: Daemon, client: Client, elsewhere: Path) -> None:
    """It is left alone: a daemon with other roots may take it."""
    hello = hello_of(str(elsewhere / "run"))
    write_segment(daemon.directory, hello, 0, 0, scalar_frames(0, 3))
    wait_until(
        lambda: f"{hello.session.hex()} is left alone" in daemon.log.read_text(),
        "the journal was looked at",
    )
    assert [path for path in daemon.directory.iterdir() if hello.session.hex() in path.name]
    facts = daemon.facts()["daemon"]
    assert facts["journals_left_alone"] >= 1
    (reason,) = facts["left_alone_by_reason"]
    assert "(--root)" in reason
    shown = CliRunner().invoke(group, ["status", "--directory", str(daemon.directory)])
    left_alone = "(journal is|journals are) left alone: this daemon does not write there"
    assert re.search(left_alone, shown.output)


def test_a_writer_is_told(
    daemon: Daemon, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TBXD_DIR", str(daemon.directory))
    run = tmp_path / "run"
    writer = SummaryWriter(str(run))
    writer.add_scalar("loss", 1.0, 0)
    wait_until(lambda: "(--root)" in writer.stats()["trouble"], "the writer knows")
    writer.close()
    assert os.listdir(run) == []
    facts = daemon.facts()["daemon"]
    assert facts["turned_away"] == sum(facts["turned_away_by_reason"].values()) >= 1
    shown = CliRunner().invoke(group, ["status", "--directory", str(daemon.directory)])
    assert re.search(r"\btimes? a session was turned away: ", shown.output)
