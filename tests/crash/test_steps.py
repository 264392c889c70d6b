"""SIGKILL at each named step of a record's way: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tbxd_client import SummaryWriter
from tbxd_wire import places
from tests.waiting import wait_until

from . import producer, tally
from .field import Daemon, Trainers
from .judge import judge
from .ledger import Ledger


def both(*steps: tuple[str, int]) -> list[str]:
    """Return each step twice: just before it, and just after it."""
    return [
        f"{where},{moment},{number}" for where, number in steps for moment in ("before", "after")
    ]


DAEMON = [
    *both(
        ("tbxd.server:Server._receive", 3),
        ("tbxd.pipeline.pipeline:take", 2),
        ("tbxd.pipeline.take:encode_scalar", 2500),
        ("tbxd.pipeline.pool:encode", 2),
        ("tbxd.sinks.run_directory:RunDirectory.write", 2),
        ("os:write", 1),
        ("os:write", 3),
        ("tbxd.pipeline.stream:Stream.commit", 2),
        ("tbxd.conversation:Conversation.answer", 3),
        ("tbxd.server:Server._send", 2),
    ),
    "os:write,halfway,1",
    "os:write,halfway,3",
]

RECOVERY = [
    *both(
        ("tbxd.recover:Recovery._admit", 1),
        ("tbxd.recover:Recovery._advance", 2),
        ("os:write", 1),
        ("tbxd.salvage:DeadJournal.finish", 1),
        ("os:unlink", 1),
        ("os:unlink", 2),
    ),
    "os:write,halfway,1",
]

TRAINER = [
    *both(
        ("tbxd_client.appending:Appender._place", 20),
        # Between a record's bytes and the word that says that they are there.
        ("tbxd_client.appending:Appender._next_stop", 20),
        ("tbxd_client.supply:Supply.find", 1),
        ("tbxd_client.mapping:MappedSegment.hold", 1),
        ("tbxd_client.mapping:MappedSegment.publish", 1),
        ("tbxd_client.mapping:MappedSegment.publish", 2),
        ("tbxd_client.connection:Connection.send", 1),
        ("tbxd_client.connection:Connection.send", 3),
        ("tbxd_client.outbox:Outbox.receive", 2),
        ("tbxd_client.journal:Journal.release", 2),
        ("tbxd_client.supply:Supply.give_back", 1),
    ),
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """In the short form, each step just after it: what is before it is after another one."""
    steps = {"test_daemon": DAEMON, "test_recovery": RECOVERY, "test_trainer": TRAINER}
    chosen = steps[metafunc.definition.name]
    if not metafunc.config.getoption("long"):
        chosen = [step for step in chosen if ",before," not in step]
    metafunc.parametrize("step", chosen)


def doom(step: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start what dies at ``step``."""
    command = [sys.executable, "-m", "tests.crash.doomed", step, *arguments]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def assert_dies(process: subprocess.Popen[bytes]) -> None:
    """Wait for the death of what was doomed: it must have come to its step."""
    try:
        assert process.wait(timeout=60) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()


def test_daemon(
    tmp_path: Path, daemon: Daemon, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    doomed = doom(step, "serve", "--directory", str(daemon.directory))
    count = 6000
    runs = [tmp_path / "run", tmp_path / "other"]
    writers = [SummaryWriter(run) for run in runs]
    for number in range(count):
        for writer in writers:
            producer.log(writer, number)
    assert_dies(doomed)
    daemon.start()
    for writer in writers:
        writer.flush()
        writer.close()
    verdicts = [judge(run, count, count) for run in runs]
    ledger.enter("daemon SIGKILLed at a step", verdicts)
    assert all(verdict.good for verdict in verdicts), verdicts


def test_recovery(
    tmp_path: Path,
    trainers: Trainers,
    daemon: Daemon,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    each = trainers.start("run")
    wait_until(lambda: each.returned() >= 6000, "the trainer logs")
    each.kill()
    assert_dies(doom(step, "serve", "--directory", str(daemon.directory)))
    daemon.start()
    daemon.settle()
    verdict = judge(each.run, *tally.read(each.tally))
    ledger.enter("recovery SIGKILLed at a step", [verdict])
    assert verdict.good, verdict


def test_trainer(tmp_path: Path, daemon: Daemon, ledger: Ledger, step: str) -> None:
    daemon.start()
    run, counted = tmp_path / "run", tmp_path / "tally"
    assert_dies(doom(step, "train", str(run), str(counted)))
    daemon.settle()
    verdict = judge(run, *tally.read(counted))
    ledger.enter("trainer SIGKILLed at a step", [verdict])
    assert verdict.good, verdict
    left = [name for name in os.listdir(daemon.directory) if name.endswith(".damaged")]
    assert not left
