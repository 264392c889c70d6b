"""An event file that ends at any byte, as its daemon leaves it that dies or loses power.

The next daemon finds the session's journal beside it. Then TensorBoard reads every record once, in
order, from the torn file and the new one; and so it does if that daemon dies at any byte too.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tbxd.format import marks
from tbxd.reading.records import RecordFile
from tbxd_wire import frame
from tbxd_wire.messages import Hello
from tests.crash.judge import event_files
from tests.tbxd.hellos import hello_of
from tests.tbxd.journals import write_segment
from tests.tbxd.wards import Ward

from . import journal
from .found import events_in

_ROUND = 4
"""Frames that are written in one go."""
_SESSION = bytes(range(16))


def _write(root: Path) -> bytes:
    """Have a daemon write all records, in several rounds; return its event file."""
    ward = Ward(root)
    hello = _hello(ward)
    entry = ward.roster.add(hello, ward.pipeline.author_directory(hello), 0.0)
    stream = journal.stream()
    ends = [end for end, _ in frame.walk(stream)]
    begin = 0
    for end in [*ends[_ROUND - 1 :: _ROUND], ends[-1]]:
        assert ward.pipeline.feed(entry, begin, memoryview(stream)[begin:end]) is None
        ward.settle()
        begin = end
    ward.close()
    (path,) = event_files(ward.runs)
    return path.read_bytes()


def _hello(ward: Ward) -> Hello:
    return hello_of(str(ward.runs), session=_SESSION)


def _resume(root: Path, old: list[bytes]) -> tuple[list[bytes], bytes]:
    """Return what is read after a daemon has found ``old`` files, and the file that it adds."""
    ward = Ward(root)
    ward.runs.mkdir()
    for number, content in enumerate(old):
        (ward.runs / f"events.out.tfevents.{number + 1:010}.host.1.0").write_bytes(content)
    write_segment(ward.journals, _hello(ward), 0, 0, journal.stream(), known=True)
    ward.work_off()
    assert os.listdir(ward.journals) == []
    ward.close()
    found = events_in(ward.runs)
    files = event_files(ward.runs)
    # A file of before is never touched.
    assert [path.read_bytes() for path in files[: len(old)]] == old
    added = files[len(old) :]
    assert len(added) <= 1
    content = added[0].read_bytes() if added else b""
    shutil.rmtree(root)
    return found, content


def _torn(content: bytes, at: int, tail: str) -> bytes:
    return content[:at] + bytes(len(content) - at if tail == "zeros" else 0)


@pytest.mark.parametrize("tail", ["short", "zeros"])
def test_every_record_is_read_once_whatever_is_left_of_the_file(
    root: Path, whole: list[bytes], tail: str, long: bool
) -> None:
    content = _write(root / "first")
    # The zeros are those of a power cut, which takes whole blocks.
    step = 1 if tail == "short" or long else 7
    for at in range(0, len(content) + 1, step):
        found, _ = _resume(root / "next", [_torn(content, at, tail)])
        assert found == whole, f"torn at {at}"


def test_the_next_daemon_may_die_at_any_byte_as_well(
    root: Path, whole: list[bytes], long: bool
) -> None:
    content = _write(root / "first")
    for first in range(0, len(content), 40 if long else 300):
        _, added = _resume(root / "next", [content[:first]])
        for second in range(0, len(added), 1 if long else 17):
            found, _ = _resume(root / "next", [content[:first], added[:second]])
            assert found == whole, f"torn at {first}, and the next one at {second}"


def test_a_flipped_bit_makes_nothing_wrong_and_nothing_twice(
    root: Path, whole: list[bytes], long: bool
) -> None:
    """A reader stops there. What the daemon looks at when it goes on is written again."""
    content = _write(root / "first")
    looked_at = _looked_at(root / "first.out", content)
    for at in range(0, len(content), 1 if long else 9):
        spoiled = bytearray(content)
        spoiled[at] ^= 1 << at % 8
        found, _ = _resume(root / "next", [bytes(spoiled)])
        assert [event for event in whole if event in found] == found, at
        if looked_at[at]:
            assert found == whole, at


def _looked_at(path: Path, content: bytes) -> list[bool]:
    """Return of each byte whether a daemon that goes on reads it: the header, the marks, and the
    events behind the last mark. The others had a whole round behind them when it was written."""
    path.write_bytes(content)
    found: list[bool] = []
    with RecordFile(str(path)) as file:
        for end, event in file.walk():
            is_small = not found or marks.event_bytes(event) is not None
            if is_small:
                last = end
            found += [is_small] * (end - len(found))
    return [each or at >= last for at, each in enumerate(found)]
