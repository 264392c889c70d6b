"""A client that lies about what its records hold, before a real daemon.

Each lie costs its record, with a reason that `tbxd status` shows; what was logged before and after
it is written; nothing appears outside the run directory; and the daemon lives on.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgpack
import numpy as np
import pytest

from tbxd.reading.events import events_of
from tbxd_client import SummaryWriter, arrays
from tbxd_wire import frame
from tbxd_wire.arrays import EXTENSION
from tbxd_wire.kinds import Kind
from tbxd_wire.messages import Ack, Batch, Reject

from .daemons import Client, Daemon
from .encode.making import frame_of
from .hellos import hello_of, scalar_frame, scalar_frames


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("hostile") / "rt") as started:
        yield started


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Client]:
    with Client(daemon.directory) as connected:
        yield connected


def lie(dtype: str, shape: list[int], elements: bytes, kind: Kind = Kind.TENSOR) -> bytes:
    """Return the frame of a record whose array's description is not that of its elements."""
    described = msgpack.ExtType(EXTENSION, msgpack.packb((dtype, shape)))
    record = msgpack.packb((int(kind), "tag", 1, 1.7e9, described))
    return frame.encode_before(record, len(elements)) + elements


def embedding(tag: str, pictures: object = None) -> bytes:
    points = arrays.source(np.ones((4, 2), np.float32))
    return frame_of(Kind.EMBEDDING, tag, points, None, None, pictures)


def pictures(*shape: int) -> arrays.HostArray:
    return arrays.HostArray(np.zeros(shape, np.uint8), "uint8")


def hparams(sub_run: str) -> bytes:
    return frame_of(Kind.HPARAMS, "", sub_run, {"lr": 0.1}, {"loss": 1.0}, {})


LIES = {
    "fewer elements than claimed": (lie("float32", [1000], bytes(8)), "has 4000 bytes, there are"),
    "more elements than claimed": (lie("uint8", [2], bytes(8)), "belong to none of its arrays"),
    "2 GiB": (lie("uint8", [1 << 31], bytes(8)), "has no extent 2147483648"),
    "2 GiB in two dimensions": (
        lie("uint8", [1 << 15, 1 << 16], bytes(8)),
        "has 2147483648 bytes, there are 8",
    ),
    "more than any memory": (lie("float64", [1 << 28] * 5, bytes(8)), "there are 8"),
    "no such dtype": (lie("object", [1], bytes(8)), "dtype 'object' is unknown"),
    "an endless picture of no size": (
        frame_of(Kind.VIDEO, "tag", pictures(1, 1 << 28, 3, 0, 1 << 20), "NTCHW", 4.0),
        "a picture has pixels",
    ),
    "a group outside": (
        frame_of(Kind.SCALAR_GROUP, "../../etc/x", {"a": 1.0}),
        "has a component that names no place",
    ),
    "hyperparameters outside": (hparams("../../x"), "has a component that names no place"),
    "hyperparameters at the root": (hparams("/etc/x"), "absolute"),
    "a picture too few": (embedding("tag", pictures(3, 3, 8, 8)), "4 points"),
    "a sprite of no size": (embedding("tag", pictures(4, 3, 0, 8)), "not (4, 3, 0, 8)"),
    "a sprite too large": (embedding("tag", pictures(4, 3, 1, 5000)), "8192"),
    "a sprite of nine channels": (embedding("tag", pictures(4, 9, 2, 2)), "not (4, 9, 2, 2)"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_costs_its_record_alone(
    daemon: Daemon, client: Client, tmp_path: Path, name: str
) -> None:
    content, reason = LIES[name]
    run = tmp_path / "deep" / "run"
    hello = hello_of(str(run))
    client.say_hello(hello)
    client.log(hello.session, 0, scalar_frame(1) + content + scalar_frame(2))
    (told,) = client.refused
    assert (told.session, told.records) == (hello.session, 1)
    assert reason in told.reason
    facts = daemon.session(hello.session)
    assert facts["refused"] == 1
    assert reason in facts["refused_reason"]
    assert (facts["records"], facts["state"]) == (3, "live")
    steps = [event.step for event in events_of(str(run)) if event.HasField("summary")]
    assert steps == [1, 2]
    made = {path.name for path in tmp_path.rglob("*") if "tfevents" not in path.name}
    assert made == {"deep", "run"}
    assert daemon.process.poll() is None


@pytest.mark.parametrize("tag", ["../../etc/x", "/etc/x", "..", ".", "", "a/../../../b", "x\0y"])
def test_a_tag_never_leads_out_of_the_run(
    daemon: Daemon, client: Client, tmp_path: Path, tag: str
) -> None:
    """Of the kind that makes files of its own: they are in the run, or there are none."""
    run = tmp_path / "deep" / "run"
    hello = hello_of(str(run))
    client.say_hello(hello)
    client.log(hello.session, 0, embedding(tag) + scalar_frame(2))
    assert all(path.is_relative_to(run) for path in tmp_path.rglob("*") if path.is_file())
    assert daemon.session(hello.session)["records"] == 2
    steps = [event.step for event in events_of(str(run)) if event.HasField("summary")]
    assert steps == [2]


def test_a_frame_that_claims_2_gib_ends_its_session_with_a_reason(
    daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    hello = hello_of(str(tmp_path / "run"))
    client.say_hello(hello)
    lead = struct.pack("<BI", frame.LEAD_MARK, 3) + b"abc"
    header = struct.pack("<II", frame.ARRAYS | ((1 << 31) - 1), zlib.crc32(lead))
    content = scalar_frame(1) + header + lead
    client.send(Batch(hello.session, 0, 0, 0, content))
    assert "2147483647 bytes" in client.receive(Reject).reason
    assert daemon.session(hello.session)["state"] == "rejected"
    assert daemon.process.poll() is None


def test_a_slow_video_delays_nobody_else(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    """The scalars of another trainer are in their file while it is still being encoded."""
    slow = hello_of(str(tmp_path / "slow"))
    client.say_hello(slow)
    noise = np.random.default_rng(1).integers(0, 256, (1, 200, 3, 96, 96), np.uint8)
    video = frame_of(Kind.VIDEO, "tag", arrays.source(noise), "NTCHW", 4.0)
    client.send(Batch(slow.session, 0, 0, 0, video))
    for number in range(5):
        quick = hello_of(str(tmp_path / f"quick{number}"))
        with Client(daemon.directory) as other:
            other.say_hello(quick)
            other.log(quick.session, 0, scalar_frames(0, 100))
    assert client.hears_nothing(), "the video was done first: this has shown nothing"
    assert daemon.session(slow.session)["committed"] == 0
    while client.receive(Ack).position < len(video):
        pass
    assert [event.step for event in events_of(str(tmp_path / "slow")) if event.step] == [3]


def test_a_writer_is_told_what_it_has_lost(
    daemon: Daemon,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By the time a flush returns; over all sessions of the writer, and with one warning each."""
    monkeypatch.setenv("TBXD_DIR", str(daemon.directory))
    writer = SummaryWriter(tmp_path / "run")
    for expected in (2, 4):
        for step in range(2):
            writer.add_scalar("loss", 1.0, step)
            writer.file_writer.add_summary(b"no summary", step)
        writer.flush()
        assert writer.stats()["refused"] == expected
        assert "no serialized Summary" in writer.stats()["trouble"]
        writer.close()
        assert writer.stats()["refused"] == expected
    said = [each.message for each in caplog.records if "cannot be written" in each.message]
    assert len(said) == 2
    assert str(tmp_path / "run") in said[0]
    assert "no serialized Summary" in said[0]
