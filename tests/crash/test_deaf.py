"""A client that talks and never listens: the daemon neither waits for it nor keeps its answers."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tbxd.ask import ask
from tbxd_client import SummaryWriter
from tbxd_wire.messages import NO_SESSION, Batch, Status
from tests.bench.processes import memory_mb
from tests.tbxd.daemons import Client
from tests.tbxd.hellos import hello_of, scalar_frame
from tests.waiting import wait_until

from . import producer
from .field import Daemon
from .judge import judge
from .ledger import Ledger
from .pace import Pace

_ROUNDS = 20


def test_a_client_that_never_reads_its_acks(
    tmp_path: Path, daemon: Daemon, ledger: Ledger, pytestconfig: pytest.Config
) -> None:
    """Thousands of batches, each with an answer due, and a neighbour who wants its acks at once."""
    each_round = 50_000 if pytestconfig.getoption("long") else 3400
    daemon.start()
    pid = daemon.pid()
    assert pid is not None
    run = tmp_path / "run"
    hello = hello_of(str(run))
    pace = Pace()
    neighbour = SummaryWriter(tmp_path / "neighbour")
    slowest_s = 0.0
    position = count = 0
    with Client(daemon.directory) as deaf:
        deaf.say_hello(hello)
        for number in range(_ROUNDS):
            if number == 1:
                warm_mb = memory_mb(pid)[0]
            for _ in range(each_round):
                frames = scalar_frame(count, producer.value_of(count), producer.TAG)
                deaf.send(Batch(hello.session, position, 0, 0, frames))
                # Acks wait for each other and become one; each of these has an answer of its own.
                deaf.send(Batch(os.urandom(16), 0, 0, 0, frames))
                if count % 4 == 0:
                    deaf.send(Status(NO_SESSION))
                count += 1
                position += len(frames)
            pace.log(neighbour, number, 1)
            before = time.monotonic()
            neighbour.flush()
            slowest_s = max(slowest_s, time.monotonic() - before)

        def committed() -> int:
            (facts,) = (
                each
                for each in ask(str(daemon.directory))["sessions"]
                if each["session"] == hello.session.hex()
            )
            return int(facts["committed"])

        wait_until(lambda: committed() == position, "all that was sent is written")
        grown_mb = memory_mb(pid)[0] - warm_mb
    pace.close(neighbour)
    print(f"{count} batches, {grown_mb:+.2f} MB, slowest flush {slowest_s:.3f} s")
    verdicts = [judge(run, count, count), judge(tmp_path / "neighbour", _ROUNDS, _ROUNDS)]
    ledger.enter("client that never reads", verdicts, pace=pace)
    assert all(verdict.good for verdict in verdicts), verdicts
    # Measured: up to 7 MB however many there are, of which a thousand answers that wait are two.
    # All would be 20 MB, or 300 in the long form.
    assert grown_mb < 10.0
    assert slowest_s < 2.0
