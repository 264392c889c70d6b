"""The bell is heard from another thread, once."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterator

import pytest

from tbxd.wake import Wake


@pytest.fixture
def wake() -> Iterator[Wake]:
    made = Wake()
    yield made
    if made.bell >= 0:
        made.close()


def test_a_call_from_another_thread_ends_the_wait(wake: Wake) -> None:
    thread = threading.Thread(target=wake.up)
    began = time.monotonic()
    thread.start()
    wake.wait(30.0)
    thread.join()
    assert time.monotonic() - began < 20.0


def test_many_calls_are_one(wake: Wake) -> None:
    for _ in range(5):
        wake.up()
    wake.wait(30.0)
    began = time.monotonic()
    wake.wait(0.01)
    assert time.monotonic() - began >= 0.01


def test_a_process_with_many_descriptors() -> None:
    """Beyond 1,023, where select() gives up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
        while not taken or taken[-1] < 1100:
            taken.append(os.open(os.devnull, os.O_RDONLY))
        wake = Wake()
        assert wake.descriptor > 1023
        wake.up()
        wake.wait(30.0)
        wake.close()
    finally:
        for each in taken:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_clearing_what_never_rang(wake: Wake) -> None:
    wake.clear()
    wake.wait(-1.0)


def test_a_late_call_is_no_error(wake: Wake) -> None:
    wake.close()
    wake.up()


def test_a_full_pipe_rings_as_well(wake: Wake) -> None:
    for _ in range(100_000):
        wake.up()
    wake.wait(30.0)
    began = time.monotonic()
    wake.wait(0.01)
    assert time.monotonic() - began >= 0.01
