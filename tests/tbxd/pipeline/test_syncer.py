"""The helper thread: one set at a time, failures reported, the loop woken."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tbxd.pipeline.syncer import Syncer


class File:
    def __init__(self, error: OSError | None = None) -> None:
        self.error = error
        self.synced_by: str | None = None

    def sync(self) -> None:
        self.synced_by = threading.current_thread().name
        if self.error is not None:
            raise self.error


@pytest.fixture
def woken() -> threading.Event:
    return threading.Event()


@pytest.fixture
def syncer(woken: threading.Event) -> Iterator[Syncer[File]]:
    made: Syncer[File] = Syncer(woken.set)
    yield made
    made.close()


def test_files_are_synced_elsewhere_and_the_loop_is_woken(
    syncer: Syncer[File], woken: threading.Event
) -> None:
    files = [File(), File()]
    syncer.sync(files)
    assert syncer.working
    assert woken.wait(10.0)
    assert syncer.collect() == []
    assert not syncer.working
    assert [file.synced_by for file in files] == ["tbxd-sync"] * 2


def test_what_failed_is_told_and_the_rest_is_done(
    syncer: Syncer[File], woken: threading.Event
) -> None:
    error = OSError(5, "Input/output error")
    bad, good = File(error), File()
    syncer.sync([bad, good])
    assert woken.wait(10.0)
    assert syncer.collect() == [(bad, error)]
    assert good.synced_by is not None


def test_a_second_set_has_to_wait(syncer: Syncer[File], woken: threading.Event) -> None:
    syncer.sync([File()])
    with pytest.raises(RuntimeError):
        syncer.sync([File()])
    assert woken.wait(10.0)
    syncer.collect()
    woken.clear()
    syncer.sync([File()])
    assert woken.wait(10.0)


def test_nothing_to_collect(syncer: Syncer[File]) -> None:
    assert syncer.collect() == []
    assert not syncer.working
