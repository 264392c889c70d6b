"""What a signal handler raises in the midst of a call goes to whoever has set the handler."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tbxd_client import SummaryWriter, mapping
from tbxd_client.interruption import is_interruption
from tbxd_wire.kinds import Kind

from .journals import Interrupting, make_segments_small, open_journal
from .leftovers import Logged


def guard(number: int, place: Any) -> None:
    """End a call that hangs, as many do with ``signal.alarm``."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    raise TimeoutError("it hangs")


def variadic(*arguments: Any) -> None:
    raise TimeoutError("it hangs")


class Guard:
    def __call__(self, number: int, place: Any) -> None:
        self.end()

    def end(self) -> None:
        raise TimeoutError("it hangs")


@pytest.fixture
def alarm(runtime_directory: str) -> Iterator[Callable[[Any], None]]:
    """Yield a function that has a handler interrupt its caller at once."""

    def interrupt(handler: Any) -> None:
        signal.signal(signal.SIGALRM, handler)
        signal.raise_signal(signal.SIGALRM)

    before = signal.getsignal(signal.SIGALRM)
    yield interrupt
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("handler", [guard, variadic, Guard(), functools.partial(guard)])
def test_a_handlers_exception_is_known(alarm: Callable[[Any], None], handler: Any) -> None:
    with pytest.raises(TimeoutError) as caught:
        alarm(handler)
    assert is_interruption(caught.value)


def test_what_a_call_raises_itself_is_none() -> None:
    def fail(*arguments: object) -> None:
        os.stat("/nowhere")

    with pytest.raises(FileNotFoundError) as caught:
        fail(1, (2,))
    assert not is_interruption(caught.value)
    assert not is_interruption(ValueError("never raised"))


def test_in_the_midst_of_a_copy(
    alarm: Callable[[Any], None], writer: SummaryWriter, logged: Logged
) -> None:
    interrupting = Interrupting(lambda: alarm(guard))
    with pytest.raises(TimeoutError, match="it hangs"):
        writer._post_arrays(Kind.TENSOR, "array", 1, None, interrupting)
    assert writer.stats()["shed"] == 0
    writer.add_scalar("after", 0.5, 1)
    assert [record[1] for record in logged()] == ["after"]


def test_what_a_copy_raises_itself_is_counted(
    writer: SummaryWriter, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("device lost")

    writer._post_arrays(Kind.TENSOR, "array", 1, None, Interrupting(fail))
    assert writer.stats()["shed"] == 1
    (warning,) = [each for each in caplog.records if "could not be copied" in each.message]
    assert "device lost" in warning.message


def test_in_the_midst_of_making_a_segment(
    alarm: Callable[[Any], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_segments_small(monkeypatch)
    allowance = mapping.Allowance(1 << 20)
    journal = open_journal(str(tmp_path), allowance=allowance)
    assert journal.append(bytes(4000))
    before = allowance.used_bytes
    with monkeypatch.context() as patch:
        patch.setattr(mapping.MappedSegment, "publish", lambda _: alarm(guard))
        with pytest.raises(TimeoutError, match="it hangs"):
            journal.append(bytes(4000))
    assert allowance.used_bytes == before
    assert len(os.listdir(tmp_path)) == 1
    assert journal.append(bytes(4000))


def test_in_the_midst_of_opening_a_session(
    alarm: Callable[[Any], None], writer: SummaryWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("tbxd_client.roles.this_process", lambda: alarm(guard))
        with pytest.raises(TimeoutError, match="it hangs"):
            writer.add_scalar("tag", 0.5, 1)
    assert writer.stats()["shed"] == 0
    writer.add_scalar("tag", 0.5, 1)
    assert writer.stats()["records"] == 1
