from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from tensorboard.summary.writer.record_writer import RecordWriter

from tbxd.format import tfrecord


def by_tensorboard(events: list[bytes]) -> bytes:
    file = io.BytesIO()
    writer = RecordWriter(file)
    for event in events:
        writer.write(event)
    return file.getvalue()


# Around the number of records from which checksums are masked together.
@given(st.lists(st.binary(max_size=20), max_size=2 * tfrecord._TOGETHER_FROM))
def test_records_are_tensorboards(events: list[bytes]) -> None:
    assert tfrecord.frame(events) == by_tensorboard(events)


def test_any_sequence_will_do() -> None:
    assert tfrecord.frame((b"a", b"bc")) == by_tensorboard([b"a", b"bc"])
    assert tfrecord.frame([]) == b""


def test_headers_beyond_those_kept_are_right_too() -> None:
    for length in range(tfrecord._HEADERS_KEPT + 2):
        tfrecord.header(length)
    assert len(tfrecord._headers) <= tfrecord._HEADERS_KEPT
    length = tfrecord._HEADERS_KEPT + 1
    assert tfrecord.header(length) == by_tensorboard([bytes(length)])[:12]
