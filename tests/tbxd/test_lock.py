"""One holder, who is named to everybody else, and whose death is noticed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd import lock
from tbxd_wire import places
from tbxd_wire.errors import DaemonHeld

HOLDER = """
import sys
from tbxd import lock
lock.acquire(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_nobody_is_there_in_an_empty_directory(tmp_path: Path) -> None:
    assert not lock.daemon_is_there(str(tmp_path))
    assert not lock.daemon_is_there(str(tmp_path / "nowhere"))


def test_a_second_one_is_told_who_holds_it(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    assert lock.daemon_is_there(str(tmp_path))
    with pytest.raises(DaemonHeld, match=f"pid {holder.pid},") as caught:
        lock.acquire(str(tmp_path))
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("content", ["", "pid 1, started then, leaving\n"])
def test_one_that_has_not_said_so_yet_is_known_by_its_lock(
    tmp_path: Path, holder: subprocess.Popen[bytes], content: str
) -> None:
    """What the file says is then what the one before has left behind."""
    (tmp_path / places.DAEMON_LOCK).write_text(content)
    with pytest.raises(DaemonHeld, match=rf"the daemon with pid {holder.pid}$"):
        lock.acquire(str(tmp_path))
    assert lock.who_is_leaving(str(tmp_path)) is None


def test_a_killed_holder_holds_nothing(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert not lock.daemon_is_there(str(tmp_path))
    descriptor = lock.acquire(str(tmp_path))
    content = (tmp_path / places.DAEMON_LOCK).read_text()
    assert content.startswith(f"pid {os.getpid()}, started ")
    assert content.endswith("\n")
    assert content.count("\n") == 1
    os.close(descriptor)


def test_the_lock_file_is_private_and_stays(tmp_path: Path) -> None:
    descriptor = lock.acquire(str(tmp_path))
    path = tmp_path / places.DAEMON_LOCK
    assert path.stat().st_mode & 0o777 == 0o600
    os.close(descriptor)
    assert path.exists()
