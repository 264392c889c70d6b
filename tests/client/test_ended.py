"""What one author has ended: how long it is waited for, and what is kept of it."""

from __future__ import annotations

import gc
import os
import weakref

import pytest

from tbxd_client import FlushTimeout
from tbxd_client.recorder import Recorder
from tbxd_wire import places, records
from tbxd_wire.kinds import Kind

from .leftovers import read_all

FIRST = records.encode(Kind.TEXT, "tag", 1, 1.0, "text")


@pytest.fixture
def recorder(runtime_directory: str, run: str) -> Recorder:
    return Recorder(run, None, "", None)


def test_nothing_keeps_a_journal_mapped_that_is_left_to_a_daemon(recorder: Recorder) -> None:
    for closer in ("the recorder", "the process"):
        recorder.append(FIRST)
        assert recorder._stream is not None
        assert recorder._client is not None
        journal = weakref.ref(recorder._stream.journal)
        if closer == "the recorder":
            recorder.close(0.0)
        else:
            late = recorder.append
            recorder._client.close_all(0.0, "")
            recorder.refused(late, FIRST)
            del late
        gc.collect()
        assert journal() is None, closer


def test_what_somebody_else_has_committed_is_not_waited_for(
    recorder: Recorder, runtime_directory: str
) -> None:
    """A daemon that is through with a journal deletes it."""
    for _ in range(2):
        recorder.append(FIRST)
        recorder.close(0.0)
    first, second = read_all(runtime_directory)
    names = [places.journal_name(each.hello.session, 0) for each in (first, second)]
    with pytest.raises(FlushTimeout) as caught:
        recorder.flush(0.0)
    assert caught.value.pending_bytes == first.tail + second.tail
    os.unlink(os.path.join(runtime_directory, names[0]))
    with pytest.raises(FlushTimeout) as caught:
        recorder.flush(0.0)
    assert caught.value.pending_bytes == second.tail
    os.unlink(os.path.join(runtime_directory, names[1]))
    recorder.flush(0.0)
