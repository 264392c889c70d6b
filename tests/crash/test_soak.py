"""Eight trainers and the daemon, for a long time, and every few seconds one of them is killed."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tbxd.ask import ask
from tbxd_wire import places
from tests.waiting import wait_until

from . import tally
from .field import Daemon, Producer, Trainers
from .judge import judge
from .ledger import Ledger
from .test_kills import chance
from .vitals import Bounds, Vitals

__all__ = ["chance"]

_HABITS: dict[str, dict[str, Any]] = {
    "veteran": {"pause_s": 0.02, "burst": 10, "bulk_every": 10},
    "old hand": {"pause_s": 0.02, "burst": 2, "bulk_every": 20, "loaders": 1},
    "slow": {"pause_s": 0.1, "burst": 1, "bulk_every": 5},
    "steady": {"pause_s": 0.01, "burst": 5, "bulk_every": 0},
    "in bursts": {"pause_s": 1.0, "burst": 1000},
    "in long bursts": {"pause_s": 2.5, "burst": 5000, "bulk_every": 500},
    "two loaders": {"pause_s": 0.05, "burst": 5, "bulk_every": 50, "loaders": 2},
    "three loaders": {"pause_s": 0.2, "burst": 50, "bulk_every": 100, "loaders": 3},
}
_LONG_LIVING = ("veteran", "old hand")
_LOOK_S = 0.25

_DAEMON = Bounds(growth_mb=4.0, descriptors=4)
"""Measured: 0.5 MB in the short form and 1 MB in the long one, for 200 runs and their sessions;
who keeps every batch grows by 5 MB and more. A dead journal holds a descriptor while it is read,
and one kill leaves up to four."""

_CLIENT = Bounds(growth_mb=2.0, descriptors=2)
"""Measured: less than 0.1 MB while the daemon lives. Where it was waited for, a journal has touched
one segment of 4 MiB more, which stays warm. Two descriptors are those of a look for a daemon."""

_STAYS = {places.DAEMON_LOCK, places.LAUNCH_LOCK, places.DAEMON_LOG}
"""What is left in a runtime directory. Beside it there may be ``*.journal.new``: segments that
their process was killed over before they had a name; they hold nothing, and the next daemon
deletes them when they are a minute old."""


class Soak:
    """The trainers of a soak, and what its attacks come to."""

    def __init__(self, trainers: Trainers, daemon: Daemon, over: Path, rng: random.Random) -> None:
        self._trainers = trainers
        self._daemon = daemon
        self._over = over
        self._chance = rng
        self._living: dict[str, Producer] = {}
        self.all: list[Producer] = []
        self.kills = 0
        self.daemon_kills = 0
        for name in _HABITS:
            self._start(name)

    def vitals(self) -> list[Vitals]:
        """Return the long-living trainers, to be looked at."""
        pids = (self._living[name].process.pid for name in _LONG_LIVING)
        return [Vitals(pid) for pid in pids if pid is not None]

    def attack(self, *, daemon_too: bool) -> None:
        """Kill a trainer, or perhaps the daemon, and have it replaced."""
        self.kills += 1
        if daemon_too and (self.kills == 1 or self._chance.random() < 0.4):
            self.daemon_kills += self._daemon.kill() is not None
            if self._chance.random() < 0.5:
                self._daemon.start()
            return
        name = self._chance.choice([each for each in _HABITS if each not in _LONG_LIVING])
        self._living[name].kill()
        self._start(name)

    def end(self) -> None:
        """Have all trainers end by themselves."""
        self._over.touch()
        for each in self._living.values():
            each.process.join(60)
            assert each.process.exitcode == 0, each.run.name

    def _start(self, name: str) -> None:
        each = self._trainers.start(
            f"{name} {len(self.all)}", over=str(self._over), **_HABITS[name]
        )
        self._living[name] = each
        self.all.append(each)

    def attacks(self, seconds: float, *, daemon_too: bool) -> Iterator[None]:
        """Attack every few seconds; come back in between for somebody to look."""
        over = time.monotonic() + seconds
        due = time.monotonic()
        while (now := time.monotonic()) < over:
            if now >= due:
                self.attack(daemon_too=daemon_too)
                due = now + self._chance.uniform(0.5, 4.0)
            yield
            time.sleep(_LOOK_S)


def test_soak(
    tmp_path: Path,
    trainers: Trainers,
    daemon: Daemon,
    ledger: Ledger,
    chance: random.Random,
    pytestconfig: pytest.Config,
) -> None:
    seconds = 600.0 if pytestconfig.getoption("long") else 60.0
    soak = Soak(trainers, daemon, tmp_path / "over", chance)
    clients = soak.vitals()
    wait_until(lambda: all(each.returned() for each in soak.all), "all trainers log")
    wait_until(lambda: daemon.pid() is not None, "a daemon serves")
    for _ in soak.attacks(seconds / 2, daemon_too=True):
        for each in clients:
            each.sample()
    # This daemon is left alone, and looked at.
    if daemon.pid() is None:
        daemon.start()
    pid = daemon.pid()
    assert pid is not None
    served = Vitals(pid)
    for each in clients:
        each.is_warm()
    for _ in soak.attacks(seconds / 2, daemon_too=False):
        assert daemon.pid() == pid
        for each in (served, *clients):
            each.sample()
    soak.end()
    daemon.settle()
    facts = ask(str(daemon.directory))
    daemon.stop()

    for who, each in zip(("daemon", *_LONG_LIVING), (served, *clients), strict=True):
        print(f"{who}: {each}")
    for each, bounds in ((served, _DAEMON), (clients[0], _CLIENT), (clients[1], _CLIENT)):
        each.assert_flat(bounds)
    assert daemon.pid() is None
    assert facts["daemon"]["pid"] == pid
    assert facts["daemon"]["malformed_messages"] == 0
    for session in facts["sessions"]:
        # Who left in good order may be taken for alive for some seconds: his farewell got lost.
        assert session["state"] != "rejected", session
        for trouble in ("shed", "refused", "unknown", "gap_bytes", "pending_bytes"):
            assert session[trouble] == 0, session
    left = {name for name in os.listdir(daemon.directory) if not name.endswith(".journal.new")}
    assert left <= _STAYS
    verdicts = [judge(run, *tally.read(book)) for each in soak.all for run, book in each.books()]
    row = ledger.enter("soak", verdicts)
    row.repetitions = soak.kills
    print(f"{soak.kills} kills, {soak.daemon_kills} of them of the daemon")
    bad = [verdict for verdict in verdicts if not verdict.good]
    assert not bad, bad
    assert soak.daemon_kills
