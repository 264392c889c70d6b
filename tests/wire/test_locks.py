"""Asking about a lock: true while another process has it, and asking takes nothing."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd_wire import locks

HOLDER = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(descriptor, getattr(fcntl, sys.argv[2]) | fcntl.LOCK_NB)
print("held", flush=True)
for line in sys.stdin:
    fcntl.lockf(descriptor, fcntl.LOCK_UN)
    print("free", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = tmp_path / "lock"
    path.touch()
    return str(path)


@pytest.fixture
def descriptor(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def start(path: str, kind: str) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_held_until_it_is_given_back(path: str, descriptor: int) -> None:
    assert not locks.is_held(descriptor)
    with start(path, "LOCK_EX") as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert locks.is_held(descriptor)
        holder.stdin.write("go\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "free\n"
        assert not locks.is_held(descriptor)
        holder.stdin.close()
        assert holder.wait(10) == 0


def test_the_kernel_drops_the_lock_of_a_killed_process(path: str, descriptor: int) -> None:
    with start(path, "LOCK_EX") as holder:
        assert locks.is_held(descriptor)
        holder.kill()
        holder.wait(10)
        assert not locks.is_held(descriptor)


def test_a_shared_lock_counts_too(path: str, descriptor: int) -> None:
    with start(path, "LOCK_SH") as holder:
        assert locks.is_held(descriptor)
        holder.kill()


def test_asking_does_not_take_it(path: str, descriptor: int) -> None:
    assert not locks.is_held(descriptor)
    # A process that can lock it after the question finds it free.
    with start(path, "LOCK_EX") as holder:
        holder.kill()


def test_ones_own_lock_is_not_another_process_s(path: str, descriptor: int) -> None:
    fcntl.lockf(descriptor, fcntl.LOCK_EX)
    assert not locks.is_held(descriptor)
