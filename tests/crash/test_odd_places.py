"""Logging from where nobody expects it: whatever had returned is in the file, once and in order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .field import Daemon
from .judge import judge_each
from .ledger import Ledger

PRELUDE = """
import atexit, json, sys
from tests.crash.producer import value_of

def log(tag, first, last):
    for step in range(first, last):
        writer.add_scalar(tag, value_of(step), step)

def say(**counts):
    print(json.dumps(counts), flush=True)
"""

WRITER = """
from tbxd_client import SummaryWriter
writer = SummaryWriter(sys.argv[1])
"""

THREADS = """
import threading
sys.setswitchinterval(1e-5)
start = threading.Barrier(32)
def work(tag):
    start.wait()
    log(tag, 0, 1000)
threads = [threading.Thread(target=work, args=(f"thread{number}",)) for number in range(32)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
say(**{f"thread{number}": 1000 for number in range(32)})
"""

SIGNAL_HANDLER = """
import signal
logged = handled = 0
busy = False
def handle(*_):
    global handled, busy
    # A signal may come while the last one is dealt with.
    if not busy:
        busy = True
        log("handler", handled, handled + 1)
        handled += 1
        busy = False
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 2e-4, 2e-4)
while handled < 1000:
    log("main", logged, logged + 1)
    logged += 1
signal.setitimer(signal.ITIMER_REAL, 0)
say(main=logged, handler=handled)
"""

DESTRUCTORS = """
import gc
destroyed = 0
class Logs:
    def __init__(self):
        # Only the collector can destroy it, and it does so in the midst of something else.
        self.me = self
    def __del__(self):
        global destroyed
        log("destructor", destroyed, destroyed + 1)
        destroyed += 1
gc.set_threshold(3)
for step in range(2000):
    Logs()
    log("main", step, step + 1)
gc.set_threshold(700)
gc.collect()
assert destroyed == 2000
say(main=2000, destructor=2000)
"""

# The hooks run in reverse order, and one of the package's own between these two.
EXIT_HOOKS = (
    "atexit.register(log, 'before', 0, 500)\n"
    + WRITER
    + "atexit.register(log, 'after', 0, 500)\nlog('main', 0, 500)\n"
    + "say(main=500, before=500, after=500)\n"
)

TASKS = """
import asyncio
async def work(tag):
    for step in range(300):
        log(tag, step, step + 1)
        await asyncio.sleep(0)
async def main():
    tags = [f"task{number}" for number in range(20)]
    await asyncio.gather(*map(work, tags), asyncio.to_thread(log, "thread", 0, 300))
asyncio.run(main())
say(thread=300, **{f"task{number}": 300 for number in range(20)})
"""

TIMER = """
import threading
threading.Timer(0.05, log, ("timer", 0, 500)).start()
log("main", 0, 500)
say(main=500, timer=500)
"""

DAEMON_THREAD = """
import threading
logged = threading.Event()
def work():
    log("daemon", 0, 500)
    logged.set()
    threading.Event().wait()
threading.Thread(target=work, daemon=True).start()
log("main", 0, 500)
logged.wait()
say(main=500, daemon=500)
"""

PLACES = {
    "32 threads": WRITER + THREADS,
    "a signal handler": WRITER + SIGNAL_HANDLER,
    "destructors that the collector runs": WRITER + DESTRUCTORS,
    "exit hooks": EXIT_HOOKS,
    "asyncio tasks": WRITER + TASKS,
    "a timer at exit": WRITER + TIMER,
    "a daemon thread at exit": WRITER + DAEMON_THREAD,
}


def run_in(directory: Path, program: str) -> str:
    """Run a program that logs into ``directory``; it must neither complain nor hang."""
    command = [sys.executable, "-c", PRELUDE + program, str(directory)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.parametrize("place", PLACES)
def test_place(tmp_path: Path, daemon: Daemon, ledger: Ledger, place: str) -> None:
    daemon.start()
    run = tmp_path / "run"
    counts = json.loads(run_in(run, PLACES[place]))
    daemon.settle()
    verdicts = judge_each(run, counts)
    ledger.enter(f"logging from {place}", verdicts.values())
    bad = {tag: verdict for tag, verdict in verdicts.items() if not verdict.good}
    assert not bad


LAST_WORDS = """
import threading
class Logs:
    def __init__(self, tag):
        self.tag = tag
        self.log = log
    def __del__(self):
        self.log(self.tag, 0, 20)
"""

KEEPERS = {
    "a global": "last = Logs('last')",
    "a global cycle": "last = Logs('last'); last.me = last",
    "a module": "import types; sys.modules['odd'] = odd = types.ModuleType('odd');"
    "odd.last = Logs('last'); del odd",
    "an attribute of sys": "sys.last_words = Logs('last')",
    "another thread": "threading.current_thread().last = Logs('last')",
    "the client itself": "from tbxd_client import client, journal; client.last = Logs('last')",
}
"""Where an object with a destructor lies when the interpreter takes itself apart."""

WHOLE = ("a global", "a global cycle", "a module")
"""These go while all that a record needs is still there."""


def test_last_words(tmp_path: Path, daemon: Daemon) -> None:
    """A destructor at the interpreter's end logs or is refused: no complaint, no hang, no crash."""
    daemon.start()
    for number, keep in enumerate(KEEPERS.values()):
        program = WRITER + LAST_WORDS + f"log('main', 0, 500)\n{keep}\n"
        run_in(tmp_path / f"run{number}", program)
    daemon.settle()
    for number, keeper in enumerate(KEEPERS):
        verdicts = judge_each(tmp_path / f"run{number}", {"main": 500, "last": 20})
        assert verdicts["main"].good, f"{keeper}: {verdicts}"
        last = verdicts["last"]
        assert (last.twice, last.late, last.wrong) == (0, 0, 0), keeper
        assert last.found in ((20,) if keeper in WHOLE else (0, 20)), keeper
