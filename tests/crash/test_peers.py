"""The same kill for tbxd and for its peers: what is left of what had been logged.

Nothing is asked of the peers; what they lose stands in the summary beside tbxd's zero.
"""

from __future__ import annotations

import random

import pytest

from tests.waiting import wait_until

from . import tally
from .field import Daemon, Trainers
from .judge import judge
from .ledger import Ledger

_REPETITIONS = 3

_PACES = {
    "trainer SIGKILLed, one scalar every 100 ms": (1, 0.1, 8),
    "trainer SIGKILLed, one scalar every 10 ms": (1, 0.01, 100),
    "trainer SIGKILLed, scalars flat out": (1000, 0.0, 10_000),
}
"""Records between two pauses, the pause in seconds, and how many records before the kill."""


@pytest.mark.parametrize("attack", _PACES)
@pytest.mark.parametrize("writer", ["tbxd", "tensorboardX", "torch"])
def test_trainer_killed(
    trainers: Trainers, daemon: Daemon, ledger: Ledger, writer: str, attack: str
) -> None:
    burst, pause_s, records = _PACES[attack]
    chance = random.Random(0)
    verdicts = []
    for number in range(_REPETITIONS):
        last = records + chance.randrange(records)
        each = trainers.start(f"run{number}", pause_s, burst=burst, writer=writer, bulk_every=0)
        wait_until(lambda each=each, last=last: each.returned() >= last, "the trainer logs")  # type: ignore[misc]
        each.kill()
        if writer == "tbxd":
            if daemon.pid() is None:
                daemon.start()
            daemon.settle()
        verdicts.append(judge(each.run, *tally.read(each.tally)))
    row = ledger.enter(attack, verdicts, writer)
    assert row.returned >= _REPETITIONS * records
    if writer == "tbxd":
        assert all(verdict.good for verdict in verdicts), verdicts
