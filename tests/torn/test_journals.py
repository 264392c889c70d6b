"""A journal that ends, or is nothing but zeros, from any byte of it on.

A power cut does that: the file is short, or its pages never came; and the word that says how much
is used is one of before or of after.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd_wire import segment
from tbxd_wire.limits import SEGMENT_HEAD_BYTES
from tests.tbxd.hellos import hello_of

from . import journal
from .cases import Case, Outcome, recover


class _Cut:
    """Cuts a segment off at a byte.

    Args:
        zeros: the file is as long as before.
        told: its head knows.
    """

    def __init__(self, at: int, *, zeros: bool, told: bool) -> None:
        self._at = at
        self._zeros = zeros
        self._told = told
        self.leaves_head = at >= SEGMENT_HEAD_BYTES
        """Whether the head is what it was."""

    def __call__(self, content: bytearray) -> None:
        size = len(content)
        if self._zeros and not any(content[self._at : SEGMENT_HEAD_BYTES]):
            self.leaves_head = True
        del content[self._at :]
        if self._zeros:
            content += bytes(size - self._at)
        if self._told:
            used = max(self._at - SEGMENT_HEAD_BYTES, 0)
            segment.words(memoryview(content))[segment.USED] = used


def _cuts(slot: int, run: str, *, told: bool, long: bool) -> Iterator[int]:
    """Yield each byte, or without the time for that fewer of them, but each one of slot 0.

    Of the head, those that mean something; if the head knows of the cut, none.
    """
    if not told:
        meaningful = journal.hello_end(hello_of(run, role="case00"))
        yield from range(SEGMENT_HEAD_BYTES if long else meaningful)[
            :: 1 if long or not slot else 4
        ]
    yield from range(SEGMENT_HEAD_BYTES, journal.end_of(slot) + 1)[:: 5 if told and not long else 1]


def _end(slot: int, at: int, *, zeros: bool, told: bool) -> int:
    """Return the end of a segment's last frame that a cut leaves whole.

    Zeros do no harm to what was zero; and in the elements of an array they are not seen.
    """
    content = bytes(SEGMENT_HEAD_BYTES) + journal.frames_of(slot)
    end = SEGMENT_HEAD_BYTES
    for place in journal.places():
        unseen = zeros and not told and not any(content[at : place.elements])
        if place.slot == slot and place.begin == end and (place.end <= at or unseen):
            end = place.end
    return end


@pytest.mark.parametrize("slot", journal.SLOTS)
@pytest.mark.parametrize("told", [False, True], ids=["untold", "told"])
@pytest.mark.parametrize("zeros", [False, True], ids=["short", "zeros"])
def test_whole_frames_before_a_cut_are_in_the_event_files(
    root: Path, whole: list[bytes], zeros: bool, told: bool, slot: int, long: bool
) -> None:
    run = str(root / "daemon0" / "runs")
    cuts = _cuts(slot, run, told=told, long=long)
    cases = (Case(str(at), slot, _Cut(at, zeros=zeros, told=told)) for at in cuts)
    seen = 0
    for case, outcome in recover(root, cases):
        seen += 1
        at = int(case.name)
        assert isinstance(case.spoil, _Cut)
        end = _end(slot, at, zeros=zeros, told=told) if case.spoil.leaves_head else 0
        kept = [
            (event, place.elements < place.end and at < place.end and place.slot == slot)
            for event, place in zip(whole, journal.places(), strict=True)
            if place.slot != slot or place.end <= end
        ]
        assert len(outcome.events) == len(kept), f"cut at {at}"
        for found, (event, may_differ) in zip(outcome.events, kept, strict=True):
            assert found == event or may_differ, f"cut at {at}"
        _is_accounted_for(outcome, slot, end, at if told else journal.end_of(slot))
    assert seen > len(journal.frames_of(slot)) / 6


def _is_accounted_for(outcome: Outcome, slot: int, end: int, claimed: int) -> None:
    """Check that what is missing is kept for somebody to look at, and counted where it is known.

    Args:
        end: of what is whole; 0 if there is no head.
        claimed: the end that the head tells of.
    """
    assert outcome.entry is not None
    gap = outcome.entry.session.gap_bytes
    assert outcome.left == ([] if end == claimed else [(slot, "journal.damaged")])
    if end and slot == journal.SLOTS[-1]:
        assert gap == claimed - end
    elif end or slot == 1:
        assert gap == journal.end_of(slot) - (end or SEGMENT_HEAD_BYTES)
    else:
        # Without the first head nobody knows that anything was before the second one, and without
        # the last that anything came after.
        assert gap == 0
