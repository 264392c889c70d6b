"""The journal against a model of it: any order of appends, batches, releases and trims.

The segments are made small, so that every example goes through many of them.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from contextlib import ExitStack
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tbxd_client.mapping import Allowance
from tbxd_wire import frame
from tbxd_wire.limits import MIB, SEGMENT_HEAD_BYTES

from .journals import (
    BATCH_BYTES,
    CUT_BYTES,
    HELLO,
    ORDINARY_BYTES,
    POOL_LARGE_BYTES,
    SESSION,
    SMALL_BYTES,
    SMALL_SIZES,
    open_journal,
)
from .leftovers import read_session


class JournalAndModel(RuleBasedStateMachine):
    """Frames go into both; what comes out of the journal must be what the model has."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()
        for module, name, value in SMALL_SIZES:
            self.patches.enter_context(patch.object(module, name, value))
        self.directory = tempfile.mkdtemp(prefix="tbxd-")
        self.allowance = Allowance(256 * MIB)
        self.journal = open_journal(self.directory, allowance=self.allowance)
        self.numbers = itertools.count(1)
        self.stream = bytearray()
        """All frames ever appended."""
        self.ends = [0]
        """Where frames begin and end."""
        self.sent = 0
        self.released = 0
        self.slices: list[tuple[int, int, memoryview]] = []
        """What was handed out and is not released."""

    # -- what can happen

    @rule(size=st.integers(1, 60) | st.integers(1, 3000) | st.integers(1, 40_000))
    def append(self, size: int) -> None:
        body = (next(self.numbers).to_bytes(4, "big") * (size // 4 + 1))[:size]
        assert self.journal.append(body)
        self.stream += frame.encode(body)
        self.ends.append(len(self.stream))

    @rule(count=st.integers(1, 200))
    def append_scalars(self, count: int) -> None:
        for _ in range(count):
            self.append(40)

    @precondition(lambda self: self.sent < len(self.stream))
    @rule(room=st.integers(0, 12_000))
    def batch(self, room: int) -> None:
        limit = self.sent + room
        view, end = self.journal.batch(self.sent, limit)
        assert bytes(view) == self.stream[self.sent : end]
        assert end > self.sent
        assert end in self.ends
        if end > min(limit, self.sent + BATCH_BYTES):
            # No cut was in reach. Between two cuts lie one frame and CUT_BYTES at most.
            first_frame_end = self.ends[self.ends.index(self.sent) + 1]
            assert end <= first_frame_end + CUT_BYTES
        self.slices.append((self.sent, end, view))
        self.sent = end

    @precondition(lambda self: self.released < self.sent)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        places = [end for end in self.ends if self.released < end <= self.sent]
        position = data.draw(st.sampled_from(places[-3:] + places[:3]))
        self.journal.release(position)
        self.released = position
        self.slices = [each for each in self.slices if each[0] >= position]

    @precondition(lambda self: self.released < len(self.stream))
    @rule()
    def send_and_release_everything(self) -> None:
        while self.sent < len(self.stream):
            self.batch(BATCH_BYTES)
        self.journal.release(self.sent)
        self.released = self.sent
        self.slices = []

    @rule()
    def connect_anew(self) -> None:
        self.sent = self.released

    @rule()
    def trim(self) -> None:
        self.journal.trim()
        if self.released == len(self.stream):
            assert os.listdir(self.directory) == [f"{SESSION.hex()}.0.journal"]

    # -- what always holds

    @invariant()
    def tail_is_behind_the_last_frame(self) -> None:
        assert self.journal.tail == len(self.stream)
        assert self.journal.records == len(self.ends) - 1
        assert self.journal.shed == 0

    @invariant()
    def slices_stay_as_they_were(self) -> None:
        for start, end, view in self.slices:
            assert bytes(view) == self.stream[start:end]

    @invariant()
    def recovery_would_find_exactly_what_is_not_released(self) -> None:
        found = read_session(self.directory, SESSION)
        assert found.hello == HELLO
        assert (found.released, found.tail) == (self.released, len(self.stream))
        assert found.frames == self.stream[self.released :]

    @invariant()
    def the_allowance_is_what_the_files_take(self) -> None:
        sizes = [entry.stat().st_size for entry in os.scandir(self.directory)]
        assert self.allowance.used_bytes == sum(sizes)

    @invariant()
    def no_more_segments_than_it_takes(self) -> None:
        unreleased = len(self.stream) - self.released
        # The first and the current one, three warm ones, and of those that are larger than an
        # ordinary one as many as may be kept warm; and two neighbours of what is unreleased hold
        # together more than the smallest segment, or they would be one.
        large = POOL_LARGE_BYTES // (ORDINARY_BYTES - SEGMENT_HEAD_BYTES)
        bound = 5 + large + 2 * unreleased // (SMALL_BYTES - SEGMENT_HEAD_BYTES)
        assert len(os.listdir(self.directory)) <= bound

    def teardown(self) -> None:
        try:
            if self.stream:
                self.sent = self.released
                self.send_and_release_everything() if self.sent < len(self.stream) else None
            assert not self.journal.remove(len(self.stream) - 1)
            assert self.journal.remove(len(self.stream))
            assert not self.journal.append(b"late")
            assert os.listdir(self.directory) == []
            assert self.allowance.used_bytes == 0
        finally:
            shutil.rmtree(self.directory)
            self.patches.close()


TestJournalAndModel = JournalAndModel.TestCase
TestJournalAndModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
