"""Records with arrays in a journal: copied once, whole or not at all, and first to give way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy
import pytest

from tbxd_client import arrays
from tbxd_client.journal import Journal
from tbxd_client.mapping import Allowance
from tbxd_wire import frame, records
from tbxd_wire.kinds import Kind
from tbxd_wire.limits import FRAME_BODY_BYTES, MIB, SEGMENT_BYTES

from .journals import SESSION, open_journal
from .leftovers import read_session


def append(journal: Journal, *values: Any) -> bool:
    sources = [arrays.source(value) for value in values]
    return journal.append_arrays(*records.encode_before(Kind.TENSOR, "tag", 1, 1.5, *sources))


def elements(body: bytes) -> list[bytes]:
    return [bytes(array.data) for array in records.decode(body)[4:]]


def test_values_are_those_at_the_call(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path))
    first, second = numpy.arange(5.0), numpy.arange(3)[::-1]
    expected = [first.tobytes(), second.tobytes()]
    assert append(journal, first, second)
    first[:] = 0
    journal.leave()
    (body,) = read_session(str(tmp_path), SESSION).bodies
    assert elements(body) == expected


def test_what_comes_before_and_after_stays_whole(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path))
    plain = records.encode(Kind.TEXT, "t", 1, 1.5, "x")
    for size in (0, 10, 100_000, 2 * SEGMENT_BYTES, 1, 5 * MIB):
        assert journal.append(plain)
        assert append(journal, numpy.full(size, 7, numpy.uint8))
    assert journal.records == 12
    found = read_session(str(tmp_path), SESSION).bodies
    assert found[0::2] == [plain] * 6
    assert [len(elements(body)[0]) for body in found[1::2]] == [
        *(0, 10, 100_000, 2 * SEGMENT_BYTES, 1, 5 * MIB)
    ]
    journal.leave()


class Failing:
    """An array on a device that fails."""

    dtype, shape, nbytes = "uint8", (1000,), 1000

    def copy_to(self, target: memoryview) -> None:
        target[:500] = bytes(500)
        raise RuntimeError("device lost")


@pytest.mark.parametrize("before_bytes", [0, 10, SEGMENT_BYTES - 100])
def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, before_bytes: int) -> None:
    journal = open_journal(str(tmp_path))
    plain = b"p" * before_bytes
    if plain:
        assert journal.append(plain)
    tail = journal.tail
    record, sources = records.encode_before(Kind.TENSOR, "", 1, 1.5, Failing())
    with pytest.raises(RuntimeError, match="device lost"):
        journal.append_arrays(record, sources)
    assert journal.tail == tail
    assert journal.append(b"next")
    assert append(journal, numpy.arange(3))
    *_, following, last = read_session(str(tmp_path), SESSION).bodies
    assert following == b"next"
    assert elements(last) == [numpy.arange(3).tobytes()]
    journal.leave()


def test_a_batch_holds_no_more_than_one_large_record(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path))
    assert append(journal, numpy.zeros(2 * SEGMENT_BYTES, numpy.uint8))
    large_end = journal.tail
    assert journal.append(b"small")
    _, end = journal.batch(0, 0)
    assert end == large_end
    journal.leave()


def test_what_no_daemon_would_take_is_refused(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path), allowance=Allowance(1 << 40))
    # Strides of 0: so many elements, and no memory.
    huge = numpy.broadcast_to(numpy.uint8(1), (FRAME_BODY_BYTES,))
    assert not append(journal, huge)
    assert "larger than any may be" in journal.obstacle(b"", [arrays.source(huge)])
    journal.leave()


def test_arrays_give_way_to_scalars(tmp_path: Path) -> None:
    """The last quarter of the limit is for records without arrays."""
    allowance = Allowance(4 * SEGMENT_BYTES)
    journal = open_journal(str(tmp_path), allowance=allowance)
    picture = numpy.zeros(SEGMENT_BYTES // 4, numpy.uint8)
    while append(journal, picture):
        pass
    assert allowance.used_bytes <= 0.75 * allowance.limit_bytes
    scalar = b"s" * 1000
    count = 0
    while journal.append(scalar):
        count += 1
    assert count * len(scalar) > SEGMENT_BYTES // 2
    journal.leave()


@pytest.mark.parametrize("array_bytes", [400, 10_000, 1_200_000])
def test_no_array_takes_the_room_of_a_scalar(tmp_path: Path, array_bytes: int) -> None:
    """However small, and although it would fit into a segment that was made for scalars."""
    journal = open_journal(str(tmp_path), allowance=Allowance(4 * SEGMENT_BYTES))
    array = numpy.zeros(array_bytes, numpy.uint8)
    refused = 0
    for _ in range(4 * SEGMENT_BYTES // 500):
        refused += not append(journal, array)
        assert journal.append(b"a scalar of so many bytes, more or less.")
    assert refused > 0
    journal.release(journal.tail)
    assert append(journal, array), "all is released"
    journal.leave()


def test_warm_segments_give_way_to_what_is_needed(tmp_path: Path) -> None:
    allowance = Allowance(40 * MIB)
    journal = open_journal(str(tmp_path), allowance=allowance)
    for size in (5 * MIB, 10 * MIB, 12 * MIB, 15 * MIB):
        assert append(journal, numpy.zeros(size, numpy.uint8)), size
        journal.release(journal.tail)
    journal.release(journal.tail)
    journal.trim()
    assert allowance.used_bytes == sum(each.stat().st_size for each in os.scandir(tmp_path))
    journal.leave()


def test_a_scalar_leaves_large_segments_to_arrays(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path))
    large = numpy.zeros(2 * SEGMENT_BYTES, numpy.uint8)
    for _ in range(3):
        assert append(journal, large)
        for _ in range(2 * SEGMENT_BYTES // 1000):
            assert journal.append(b"s" * 992)
        journal.release(journal.tail)
    # Two of them, one for each of two arrays in a row, and they are still there.
    for _ in range(2):
        assert append(journal, large)
    sizes = [each.stat().st_size for each in os.scandir(tmp_path)]
    assert sum(size > SEGMENT_BYTES for size in sizes) == 2
    journal.leave()


def test_a_frame_is_what_the_wire_says(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path))
    content = numpy.arange(4, dtype=numpy.uint8)
    record, sources = records.encode_before(Kind.TENSOR, "t", 1, 1.5, arrays.source(content))
    assert journal.append_arrays(record, sources)
    frames, _ = journal.batch(0, 0)
    assert bytes(frames) == frame.encode_before(record, 4) + content.tobytes()
    journal.leave()
