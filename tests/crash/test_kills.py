"""SIGKILL at random instants: of the trainer, of the daemon, of both at once."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.waiting import wait_until

from . import tally
from .field import Daemon, Producer, Trainers
from .judge import event_files, judge
from .ledger import Ledger, Row


def await_daemon(daemon: Daemon) -> None:
    """Wait for a daemon. Where several were killed before they served, the next waits a minute."""
    wait_until(lambda: daemon.pid() is not None, "a daemon serves", timeout_s=120.0)


def pause(chance: random.Random, longest_s: float) -> None:
    """Let a random time pass: the instant of an attack, on which nothing else depends."""
    time.sleep(chance.uniform(0, longest_s))


def written_bytes(producer: Producer) -> int:
    """Return how much is in the producer's event files."""
    return sum(path.stat().st_size for path in event_files(producer.run))


def assert_nothing_lost(ledger: Ledger, attack: str, producers: list[Producer]) -> Row:
    """Judge every producer's run."""
    verdicts = [judge(each.run, *tally.read(each.tally)) for each in producers]
    row = ledger.enter(attack, verdicts)
    for each, verdict in zip(producers, verdicts, strict=True):
        assert verdict.good, f"{each.run.name}: {verdict}"
        assert verdict.returned > 0
    return row


@pytest.fixture
def chance() -> random.Random:
    """Random instants that can be had again: the seed is printed with a failure."""
    seed = int(os.environ.get("TBXD_CRASH_SEED", random.randrange(1 << 32)))
    print(f"TBXD_CRASH_SEED={seed}")
    return random.Random(seed)


def test_trainer_killed(
    trainers: Trainers, daemon: Daemon, ledger: Ledger, chance: random.Random, kills: int
) -> None:
    producers = []
    for number in range(kills):
        each = trainers.start(f"run{number}")
        wait_until(lambda each=each: each.returned() > 0, "the trainer logs")  # type: ignore[misc]
        pause(chance, 0.05)
        each.kill()
        producers.append(each)
    if daemon.pid() is None:
        # All trainers may be gone before one could start a daemon.
        daemon.start()
    daemon.settle()
    assert_nothing_lost(ledger, "trainer SIGKILLed at random", producers)


def test_daemon_killed(
    trainers: Trainers, daemon: Daemon, ledger: Ledger, chance: random.Random, kills: int
) -> None:
    each = trainers.start("run", pause_s=0.2)
    killed = set()
    for number in range(kills):
        await_daemon(daemon)
        if number % 3:
            # In the midst of its work, and not before it has begun. Where that is late, none would
            # ever get any done, and the trainer's journal would be full in the end.
            before = written_bytes(each)
            wait_until(lambda before=before: written_bytes(each) > before, "it writes", 120.0)  # type: ignore[misc]
        pause(chance, 0.3)
        killed.add(daemon.kill())
        if number % 2:
            daemon.start()
    each.kill()
    if daemon.pid() is None:
        daemon.start()
    daemon.settle()
    assert len(killed) == kills
    row = assert_nothing_lost(ledger, "daemon SIGKILLed at random", [each])
    row.repetitions = kills


def test_both_killed(
    trainers: Trainers, daemon: Daemon, ledger: Ledger, chance: random.Random, kills: int
) -> None:
    producers = []
    for number in range(kills):
        each = trainers.start(f"run{number}", pause_s=0.02)
        wait_until(lambda each=each: each.returned() > 0, "the trainer logs")  # type: ignore[misc]
        await_daemon(daemon)
        pause(chance, 0.15)
        victims = [each.kill, daemon.kill]
        chance.shuffle(victims)
        for kill in victims:
            kill()
        producers.append(each)
    daemon.start()
    daemon.settle()
    assert_nothing_lost(ledger, "both SIGKILLed at random", producers)
