"""A file system that does not answer holds up those who write there, and nobody else."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy

from tbxd.ask import ask
from tbxd.encode.scalar import encode
from tbxd.format import header, marks
from tbxd.format.marks import Section
from tbxd.format.tfrecord import frame
from tbxd_client import SummaryWriter
from tests.waiting import wait_until

from . import disks
from .field import Daemon
from .judge import judge, records
from .ledger import Ledger
from .pace import Pace

_COUNT = 1000
_ROUNDS = 150_000
"""Of a file: reading them takes a second or more."""


def test_others_go_on_while_a_disk_is_frozen(
    tmp_path: Path, daemon: Daemon, ledger: Ledger
) -> None:
    """Also who comes then: to another disk, or to the frozen one."""
    held, free = Pace(), Pace()
    with disks.disk(tmp_path) as disk:
        before = [SummaryWriter(disk / "before"), SummaryWriter(tmp_path / "before")]
        for writer, pace in zip(before, (held, free), strict=True):
            pace.log(writer, 0, _COUNT)
            writer.flush()
        # Who makes a writer makes its directory, and would wait for that.
        (disk / "later").mkdir()
        bulk = [SummaryWriter(disk / "bulk"), SummaryWriter(tmp_path / "bulk")]
        disks.run("fsfreeze", "--freeze", str(disk))
        try:
            began = time.monotonic()
            later = SummaryWriter(disk / "later")
            held.log(before[0], _COUNT, _COUNT)
            held.log(later, 0, _COUNT)
            _log_bulk(bulk[0])
            free.log(before[1], _COUNT, _COUNT)
            before[1].flush(timeout_s=4.0)
            _log_bulk(bulk[1])
            bulk[1].flush(timeout_s=4.0)
            _begin(tmp_path / "later", free)
            assert time.monotonic() - began < 8.0

            def told() -> bool:
                sessions = ask(str(daemon.directory), 1.0)["sessions"]
                trouble = {each["run"]: each["trouble"] for each in sessions}
                return all(
                    "does not answer" in (trouble[str(disk / name)] or "")
                    for name in ("before", "later")
                )

            wait_until(told, "both sessions of the frozen disk are told of")
            assert "does not answer" in before[0].stats()["trouble"]
            # As when it had just begun, now that it has gone on for long.
            again = time.monotonic()
            free.log(before[1], 2 * _COUNT, _COUNT)
            before[1].flush(timeout_s=4.0)
            assert time.monotonic() - again < 2.0
        finally:
            disks.run("fsfreeze", "--unfreeze", str(disk))
        for writer in (*before, *bulk, later):
            held.close(writer)
        wait_until(lambda: not daemon.journals(), "all is written")
        verdicts = [judge(disk / "before", 2 * _COUNT, 2 * _COUNT)]
        verdicts.append(judge(disk / "later", _COUNT, _COUNT))
        for root in (disk, tmp_path):
            assert (root / "bulk" / "projector_config.pbtxt").exists()
            assert list(records(root / "bulk")) == [("picture", 0, None)]
        daemon.stop()
    verdicts.append(judge(tmp_path / "before", 3 * _COUNT, 3 * _COUNT))
    verdicts.append(judge(tmp_path / "later", _COUNT, _COUNT))
    ledger.enter("a disk frozen, others not", verdicts, pace=held)
    assert all(each.good for each in verdicts), verdicts
    assert max(held.slowest_call_s, free.slowest_call_s) < 0.5


def _log_bulk(writer: SummaryWriter) -> None:
    """Log a picture, which threads encode, and what has files beside the event file."""
    writer.add_image("picture", numpy.zeros((3, 8, 8), numpy.uint8), 0)
    writer.add_embedding(numpy.eye(3), tag="points")


def _begin(run: Path, pace: Pace) -> None:
    """Begin a run, and end it, where nothing is frozen."""
    writer = SummaryWriter(run)
    pace.log(writer, 0, _COUNT)
    writer.flush(timeout_s=4.0)
    pace.close(writer)


def test_others_go_on_while_a_long_file_is_read(tmp_path: Path, daemon: Daemon) -> None:
    """A daemon that comes anew looks what is there of a session, and that may take its time."""
    run, done = tmp_path / "run", list[str]()
    writer, other = SummaryWriter(run), SummaryWriter(tmp_path / "other")
    writer.add_scalar("crash", 0.0, 0)
    writer.flush()
    daemon.kill()
    event = frame([encode("old", 0, 1.0, 0.5)])
    mark = frame([marks.encode([Section(bytes(range(16)), 0, 9, 1)], len(event), 1.0)])
    # It sorts behind all others, so it is read first.
    path = run / "events.out.tfevents.9999999999.old"
    path.write_bytes(frame([header.encode(1.0)]) + (mark + event) * _ROUNDS)

    def flush(name: str, held_up: SummaryWriter) -> None:
        held_up.flush(timeout_s=60.0)
        done.append(name)

    writer.add_scalar("crash", 1.0, 1)
    thread = threading.Thread(target=flush, args=("held up", writer))
    thread.start()
    wait_until(lambda: daemon.pid() is not None, "a daemon serves")
    other.add_scalar("loss", 1.0, 1)
    flush("other", other)
    assert len(ask(str(daemon.directory), 2.0)["sessions"]) == 2
    assert done == ["other"]
    thread.join()
    for each in (writer, other):
        each.close()
