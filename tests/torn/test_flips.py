"""A journal with one bit flipped, in each byte that means anything.

What a checksum covers is never written with a flipped bit in it. The words of a head have none, as
each is stored on its own; there a flipped bit may cost records, and never makes a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tbxd_wire import segment
from tbxd_wire.limits import SEGMENT_HEAD_BYTES
from tests.tbxd.hellos import hello_of

from . import journal
from .cases import Case, recover


def _flips(slot: int, offsets: Iterable[int], *, all_bits: Callable[[int], bool]) -> Iterator[Case]:
    """Yield a case for each byte, with another bit from byte to byte, or for each bit."""
    for at in offsets:
        for bit in range(8) if all_bits(at) else [at % 8]:

            def spoil(content: bytearray, at: int = at, bit: int = bit) -> None:
                content[at] ^= 1 << bit

            yield Case(f"{at}.{bit}", slot, spoil)


@pytest.mark.parametrize("slot", journal.SLOTS)
def test_a_flip_in_a_frame_costs_it_and_what_follows_in_its_segment(
    root: Path, whole: list[bytes], slot: int, long: bool
) -> None:
    places = journal.places()
    offsets = range(SEGMENT_HEAD_BYTES, journal.end_of(slot))
    for case, outcome in recover(root, _flips(slot, offsets, all_bits=lambda _: long)):
        at = int(case.name.partition(".")[0])
        hit = next(n for n, each in enumerate(places) if each.slot == slot and at < each.end)
        assert outcome.entry is not None
        gap = outcome.entry.session.gap_bytes
        if at >= places[hit].elements:
            # No checksum covers the elements of an array: it is seen in this record alone.
            assert (outcome.left, gap, outcome.entry.refused) == ([], 0, 0)
            assert outcome.events[:hit] == whole[:hit], case.name
            assert outcome.events[hit + 1 :] == whole[hit + 1 :], case.name
            continue
        behind = (slot + 1) * journal.PER_SEGMENT
        assert outcome.events == whole[:hit] + whole[behind:], case.name
        assert outcome.left == [(slot, "journal.damaged")]
        if outcome.entry.refused:
            # Nor the length of such a frame: it may lead into one of the next, and the record is
            # refused, as its arrays do not fit what is there.
            assert outcome.entry.refused == 1
            assert places[hit].elements < places[hit].end
            assert at < places[hit].begin + 4
        else:
            assert gap == journal.end_of(slot) - places[hit].begin


def _of_other_slots(slot: int, whole: list[bytes]) -> list[bytes]:
    first = slot * journal.PER_SEGMENT
    return whole[:first] + whole[first + journal.PER_SEGMENT :]


@pytest.mark.parametrize("slot", journal.SLOTS)
def test_a_flip_in_what_says_whose_a_segment_is_sets_it_aside(
    root: Path, whole: list[bytes], slot: int, long: bool
) -> None:
    end = journal.hello_end(hello_of(str(root / "daemon0" / "runs"), role="case0"))
    offsets = [*range(segment.WORDS_OFFSET), *range(segment.WORDS_END, end)]
    if slot and not long:
        offsets = offsets[::4]
    for case, outcome in recover(root, _flips(slot, offsets, all_bits=lambda _: long)):
        assert outcome.events == _of_other_slots(slot, whole), case.name
        assert outcome.left == [(slot, "journal.damaged")]


@pytest.mark.parametrize("slot", journal.SLOTS)
def test_a_flip_in_a_word_makes_nothing_wrong_and_nothing_twice(
    root: Path, whole: list[bytes], slot: int, long: bool
) -> None:
    """Of the words it depends on which bit: records may be lost, or change their order."""
    words = range(segment.WORDS_OFFSET, segment.WORDS_END)
    for case, outcome in recover(root, _flips(slot, words, all_bits=lambda at: long or at % 8 < 2)):
        assert set(outcome.events) <= set(whole), case.name
        assert len(set(outcome.events)) == len(outcome.events), case.name
        assert outcome.entry is not None
        if len(outcome.events) < len(whole):
            # Somebody hears of it.
            assert outcome.left or outcome.entry.session.gap_bytes, case.name
