"""The first signal drains, the second kills; what was there before comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tbxd.signals import captured
from tbxd.wake import Wake


@pytest.fixture
def wake() -> Iterator[Wake]:
    made = Wake()
    yield made
    made.close()


def rings(wake: Wake) -> bool:
    try:
        return bool(os.read(wake.descriptor, 100))
    except BlockingIOError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_rings_and_is_not_raised_again(wake: Wake, number: int) -> None:
    stopped = []
    before = signal.getsignal(number)
    signal.signal(number, signal.SIG_DFL)
    try:
        with captured(lambda: stopped.append(number), wake.bell):
            signal.raise_signal(number)
            assert stopped == [number]
            assert rings(wake)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_the_callers_own_handler_gets_what_was_caught(wake: Wake) -> None:
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with captured(lambda: None, wake.bell):
            signal.raise_signal(signal.SIGTERM)
            assert heard == []
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_mask_that_was_inherited_is_lifted_inside(wake: Wake) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        with captured(lambda: None, wake.bell):
            assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_a_hang_up_is_ignored_inside_only(wake: Wake) -> None:
    before = signal.getsignal(signal.SIGHUP)
    with captured(lambda: None, wake.bell):
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is before


def test_the_wakeup_descriptor_comes_back(wake: Wake) -> None:
    with captured(lambda: None, wake.bell):
        pass
    assert signal.set_wakeup_fd(-1) == -1


TWICE = """
import os, signal
from tbxd.signals import captured
from tbxd.wake import Wake
wake = Wake()
with captured(lambda: print("once", flush=True), wake.bell):
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    signal.pause()
"""


def test_the_second_one_kills() -> None:
    ended = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, timeout=30)
    assert ended.stdout == b"once\n"
    assert ended.returncode == -signal.SIGTERM


def test_another_thread_captures_nothing(wake: Wake) -> None:
    handlers = []

    def look() -> None:
        with captured(lambda: None, wake.bell):
            handlers.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert handlers == [before]
