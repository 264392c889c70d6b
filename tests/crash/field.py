"""The field the attacks are fought on: producers and the daemon."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from tbxd.ask import ask
from tbxd_wire import places
from tests.waiting import wait_until

from . import producer, tally

_forkserver = multiprocessing.get_context("forkserver")
_forkserver.set_forkserver_preload(["tests.crash.producer"])


@dataclass
class Producer:
    """One trainer: its process, run directory and tally."""

    process: BaseProcess
    run: Path
    tally: Path
    habits: producer.Habits

    def books(self) -> list[tuple[Path, Path]]:
        """Return the run directory and the tally of the trainer and of each of its loaders."""
        loaders = range(self.habits.loaders)
        return [(self.run, self.tally)] + [
            (producer.loader_run(self.run, number), producer.loader_tally(self.tally, number))
            for number in loaders
        ]

    def returned(self) -> int:
        """Return how many calls have returned."""
        return tally.read(self.tally)[1]

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill the trainer, and wait until it is gone."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)
        self.process.join()


class Trainers:
    """Starts producers, and sees to it that none outlives its test."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._started: list[Producer] = []

    def start(
        self,
        name: str,
        pause_s: float = 0.0,
        *,
        burst: int = 1000,
        writer: str = "tbxd",
        bulk_every: int = 1000,
        loaders: int = 0,
        over: str = "",
        rank: int | None = None,
    ) -> Producer:
        """Start a trainer that logs into ``root/name`` until it is killed.

        Args:
            name: of the run directory.
            pause_s, burst, bulk_every, loaders: its :class:`~tests.crash.producer.Habits`.
            writer: "tbxd", "tensorboardX" or "torch".
            over: a file; once it is there the trainer ends by itself.
            rank: log as this rank, into the directory that the run has for it.
        """
        logdir, author = self._root / name, f"rank{rank}" if rank else ""
        # The fork server keeps the environment it was started with, perhaps that of another test.
        names = (places.DIRECTORY_VARIABLE, places.AUTOSTART_VARIABLE, places.NOTES_VARIABLE)
        environment = {name: os.environ.get(name, "1") for name in names}
        counted = self._root / f"{name}{author}.tally"
        if rank is not None:
            environment["RANK"] = str(rank)
        habits = producer.Habits(pause_s, burst, bulk_every, loaders)
        process = _forkserver.Process(
            target=producer.main,
            args=(environment, str(logdir), str(counted), writer, habits, over),
        )
        process.start()
        self._started.append(Producer(process, logdir / author, counted, habits))
        return self._started[-1]

    def end(self) -> None:
        """Kill what is left."""
        for each in self._started:
            if each.process.is_alive():
                each.kill()


class Daemon:
    """Whatever daemon serves a runtime directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def pid(self) -> int | None:
        """Return the pid of the daemon that holds the lock; None if there is none."""
        try:
            match = re.search(r"pid (\d+)", (self.directory / places.DAEMON_LOCK).read_text())
        except FileNotFoundError:
            return None
        if match is None or not _runs_here(int(match[1]), self.directory):
            return None
        return int(match[1])

    def start(self, *options: str) -> None:
        """Start one by hand, or find that a client has just done so."""
        command = (sys.executable, "-m", "tbxd", "serve", "--detach", *options)
        where = ("--directory", str(self.directory))
        subprocess.run([*command, *where], stderr=subprocess.DEVNULL, check=False)
        wait_until(lambda: self.pid() is not None, "a daemon serves")

    def kill(self) -> int | None:
        """Kill the daemon, if there is one; return its pid."""
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: self.pid() != pid, "the killed daemon is gone")
        return pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the daemon, which must be there."""
        pid = self.pid()
        assert pid is not None
        os.kill(pid, number)

    def stop(self) -> None:
        """End the daemon in good order."""
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            wait_until(lambda: self.pid() != pid, "the daemon ends after SIGTERM")

    def settle(self) -> None:
        """Wait until the journals of all who died are in the event files."""
        # Whoever asks has the daemon look for the dead at once.
        ask(str(self.directory))
        # Where no daemon lived long enough to write, the records of minutes wait.
        wait_until(lambda: not self.journals(), "all journals are taken over", timeout_s=600.0)

    def settle_one(self, role: str) -> None:
        """Wait until the journal of one dead author is in its event file."""

        def gone() -> bool:
            sessions = ask(str(self.directory))["sessions"]
            return all(each["state"] == "died" for each in sessions if each["role"] == role)

        wait_until(gone, f"the journal of {role} is taken over")

    def journals(self) -> list[str]:
        """Return the names of all journals that lie in the directory.

        A file that its process died over before it had its name holds no record: the daemon
        deletes it when it is old.
        """
        return [name for name in os.listdir(self.directory) if name.endswith(".journal")]


def _runs_here(pid: int, directory: Path) -> bool:
    """Return whether ``pid`` is a living daemon of ``directory``, no stranger and no zombie."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return os.fsencode(directory) in command
