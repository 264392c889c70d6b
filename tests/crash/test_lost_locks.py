"""A journal that a living process has lost: its next one is there before both are killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .field import Daemon
from .judge import judge
from .ledger import Ledger

_BEFORE, _MEANWHILE, _AFTER = 100, 50, 1000

_TRAINER = """
import glob, os, signal, sys, time
from tbxd.ask import ask
from tbxd_client import SummaryWriter
from tests.crash.producer import log

run, how, before, meanwhile, after = *sys.argv[1:3], *map(int, sys.argv[3:])
writer = SummaryWriter(run)
step = 0

def log_on(count):
    global step
    for _ in range(count):
        log(writer, step)
        step += 1

def journals():
    return glob.glob(os.environ["TBXD_DIR"] + "/*.journal")

log_on(before)
writer.flush()
for path in journals():
    if how == "deleted":
        os.unlink(path)
    else:
        # Any program that looks at all files does so, a backup say.
        open(path, "rb").close()
while journals():
    # Asked, it looks for journals of the dead at once.
    ask(os.environ["TBXD_DIR"])
log_on(meanwhile)
writer.flush()
deadline = time.monotonic() + 30
while not journals():
    log_on(1)
    writer.flush()
    assert time.monotonic() < deadline, "there is no new journal"
os.kill(ask(os.environ["TBXD_DIR"])["daemon"]["pid"], signal.SIGKILL)
log_on(after)
print(step, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", ["read", "deleted"])
def test_a_living_process_begins_another_journal(
    tmp_path: Path,
    daemon: Daemon,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    daemon.start()
    monkeypatch.setenv("TBXD_AUTOSTART", "0")
    run = tmp_path / "run"
    counts = [str(count) for count in (_BEFORE, _MEANWHILE, _AFTER)]
    command = [sys.executable, "-c", _TRAINER, str(run), how, *counts]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == -9, ended.stderr
    begun = int(ended.stdout)
    daemon.start()
    daemon.settle()
    verdict = judge(run, begun, begun)
    ledger.enter(f"journal {how}, then both SIGKILLed", [verdict])
    assert verdict.good, verdict
