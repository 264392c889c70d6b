from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.format.tfrecord import frame, header
from tbxd.reading import records
from tbxd.reading.records import DamagedFile, RecordFile

DATA = [b"", b"one", b"x" * 1000, bytes(records._BLOCK_BYTES * 2 + 5), b"last"]


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(frame(DATA))
    return str(path)


def walked(path: str, start: int = 0, limit: int | None = None) -> list[tuple[int, bytes]]:
    with RecordFile(path) as file:
        return list(file.walk(start, limit))


def test_records_come_with_the_offset_behind_them(path: str) -> None:
    found = walked(path)
    assert [data for _, data in found] == DATA
    offset = 0
    for end, data in found:
        offset += 16 + len(data)
        assert end == offset
    assert offset == os.path.getsize(path)


def test_any_record_can_be_read_by_its_offset(path: str) -> None:
    with RecordFile(path) as file:
        offset = 0
        for data in DATA:
            assert file.at(offset) == (data, offset + 16 + len(data))
            offset += 16 + len(data)
        assert file.at(offset) is None
        assert file.at(offset + 100) is None
        assert file.at(0) == (b"", 16)


def test_many_small_records_cross_the_blocks(tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = [b"%d" % number for number in range(20_000)]
    path.write_bytes(frame(data))
    assert path.stat().st_size > 2 * records._BLOCK_BYTES
    assert [found for _, found in walked(str(path))] == data


def test_a_walk_may_begin_and_end_anywhere_between_records(path: str) -> None:
    ends = [end for end, _ in walked(path)]
    assert [data for _, data in walked(path, ends[0], ends[2])] == DATA[1:3]
    assert [data for _, data in walked(path, ends[0], ends[2] - 1)] == DATA[1:2]
    assert [data for _, data in walked(path, ends[0], 10**9)] == DATA[1:]


@given(st.data())
def test_a_torn_end_is_no_damage(data: st.DataObject) -> None:
    content = [b"", b"one", b"x" * 40]
    framed = frame(content)
    size = data.draw(st.integers(0, len(framed)))
    with tempfile.NamedTemporaryFile() as file:
        file.write(framed[:size])
        file.flush()
        assert [found for _, found in walked(file.name)] == [
            each for each, end in zip(content, (16, 35, 91), strict=True) if end <= size
        ]


@pytest.mark.parametrize("place", range(91))
def test_every_flipped_bit_is_found(tmp_path: Path, place: int) -> None:
    path = tmp_path / "file"
    framed = bytearray(frame([b"", b"one", b"x" * 40]) + frame([b"behind"]))
    framed[place] ^= 0x10
    path.write_bytes(framed)
    with pytest.raises(DamagedFile) as caught:
        walked(str(path))
    assert caught.value.offset == max(start for start in (0, 16, 35) if start <= place)
    assert str(path) in str(caught.value)


def test_one_record_is_verified_as_a_walk_does(tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = frame([b"one"])
    for place in (3, 13, 18):
        path.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
        with RecordFile(str(path)) as file, pytest.raises(DamagedFile):
            file.at(0)
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with RecordFile(str(path)) as file:
            assert file.at(0) is None


def test_a_limit_holds_whatever_was_read_before(path: str) -> None:
    with RecordFile(path) as file:
        assert file.at(0) is not None
        assert [data for _, data in file.walk(0, 16 + 18)] == DATA[:1]
        assert [data for _, data in file.walk(0, 16 + 19)] == DATA[:2]


def test_a_hole_of_zeros_is_damage(path: str) -> None:
    size = os.path.getsize(path)
    os.truncate(path, size + 100)
    with RecordFile(path) as file:
        found = file.walk()
        assert [data for _, data in itertools.islice(found, len(DATA))] == DATA
        with pytest.raises(DamagedFile) as caught:
            next(found)
    assert caught.value.offset == size


def test_a_length_beyond_the_file_allocates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(header(1 << 62) + b"x")
    assert walked(str(path)) == []


def test_what_is_appended_later_is_not_read(path: str) -> None:
    with RecordFile(path) as file:
        with open(path, "ab") as other:
            other.write(frame([b"later"]))
        assert [data for _, data in file.walk()] == DATA


def test_a_file_that_becomes_shorter_is_damaged(path: str) -> None:
    with RecordFile(path) as file:
        found = file.walk()
        end, _ = next(found)
        os.truncate(path, end)
        with pytest.raises(DamagedFile, match="became shorter"):
            list(found)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(OSError, match="not a regular file"):
            RecordFile(str(tmp_path / name))
    with pytest.raises(FileNotFoundError):
        RecordFile(str(tmp_path / "missing"))


_FAR = 10**12
"""More than anybody's memory, and no more than a sparse file may claim to have."""


@pytest.fixture
def sparse(tmp_path: Path) -> str:
    """A record whose length is true and far too long, behind a good one."""
    path = tmp_path / "sparse"
    path.write_bytes(frame([b"good"]) + header(_FAR))
    os.truncate(path, _FAR + 100)
    return str(path)


def test_what_a_sparse_file_says_is_not_believed(sparse: str) -> None:
    with RecordFile(sparse) as file:
        assert file.at(0) == (b"good", 20)
        with pytest.raises(DamagedFile, match=r"byte 20: a record of 1,000,000,000,000 bytes"):
            file.at(20)
        found = file.walk()
        assert next(found) == (20, b"good")
        with pytest.raises(DamagedFile, match="a record of"):
            next(found)
        assert file.count(0, file.size) == 1


def test_who_expects_little_reads_little(path: str) -> None:
    with RecordFile(path) as file:
        assert file.at(16 + 19, most=1000) == (DATA[2], 16 + 19 + 16 + 1000)
        with pytest.raises(DamagedFile, match="a record of 1,000 bytes"):
            file.at(16 + 19, most=999)


@given(st.data())
def test_whole_records_are_counted_without_being_kept(data: st.DataObject) -> None:
    content = [b"", b"one", b"x" * (2 * records._BLOCK_BYTES + 7), b"last"]
    framed = bytearray(frame(content))
    ends = list(itertools.accumulate(16 + len(each) for each in content))
    damaged = data.draw(st.none() | st.integers(0, len(framed) - 1))
    if damaged is not None:
        framed[damaged] ^= 0x10
    limit = data.draw(st.sampled_from(ends) | st.integers(0, len(framed) + 10))
    with tempfile.NamedTemporaryFile() as file:
        file.write(framed)
        file.flush()
        with RecordFile(file.name) as found:
            count = found.count(0, limit)
    whole = sum(end <= (len(framed) if damaged is None else damaged) for end in ends)
    assert count == min(whole, sum(end <= limit for end in ends))
