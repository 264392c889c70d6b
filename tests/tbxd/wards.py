"""Recovery of dead journals as the daemon does it, without the daemon around it."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from tbxd.config import Config, Fsync
from tbxd.intake.entry import Entry
from tbxd.intake.roster import Roster
from tbxd.pipeline import Pipeline
from tbxd.reading.events import events_of
from tbxd.recover import Recovery
from tbxd_wire.messages import Hello

from .hellos import hello_of


class Ward:
    """A recovery over a real pipeline in a temporary directory."""

    def __init__(self, directory: Path, open_journals: int = 512) -> None:
        self.directory = directory
        self.runs = directory / "runs"
        self.journals = directory / "journals"
        self.journals.mkdir(parents=True, exist_ok=True)
        self.roster = Roster(256 << 20)
        config = Config(str(self.journals), fsync=Fsync.NEVER, notes=False)
        self._woken = threading.Event()
        self.pipeline = Pipeline(config, self._woken.set, patience_s=60.0)
        self.recovery = Recovery(str(self.journals), self.roster, self.pipeline, open_journals)
        self.now = 1000.0

    def hello(self, **fields: Any) -> Hello:
        return hello_of(str(self.runs), **fields)

    def scan(self) -> None:
        self.now += 1.0
        self.recovery.scan(self.now)

    def turn(self) -> bool:
        """One turn of the daemon's loop."""
        more = self.recovery.step(self.now)
        self.pipeline.commit(self.now)
        return more

    def work_off(self) -> None:
        self.scan()
        for _ in range(1000):
            if not self.recovery.journals_waiting:
                return
            if not self.turn() and not self.pipeline.drained:
                # What is slow to encode is encoded beside this.
                self._woken.wait(1.0)
                self._woken.clear()
        raise AssertionError("journals wait for ever")

    def settle(self) -> None:
        """Have all written that was taken over."""
        self.pipeline.commit(self.now)
        while not self.pipeline.drained:
            assert self._woken.wait(60.0), "the pipeline waits for nothing"
            self._woken.clear()
            self.pipeline.commit(self.now)

    def entry(self, hello: Hello) -> Entry:
        entry = self.roster.find(hello.session)
        assert entry is not None
        return entry

    def steps(self, below: str = "") -> list[int]:
        events = events_of(str(self.runs / below))
        return [event.step for event in events if event.HasField("summary")]

    def files(self) -> list[str]:
        return sorted(os.listdir(self.journals))

    def close(self) -> None:
        self.recovery.close()
        self.pipeline.close()
