"""Arrays in records: out as they went in, and nothing claims more than there is."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd_wire import frame, records
from tbxd_wire.arrays import DIMENSIONS, EXTENSION, ITEM_BYTES, Array, Elements, describe
from tbxd_wire.errors import FrameError, RecordError
from tbxd_wire.kinds import Kind
from tbxd_wire.limits import FRAME_BODY_BYTES


@dataclass
class Given:
    """A source of given bytes."""

    dtype: str
    shape: tuple[int, ...]
    content: bytes

    @property
    def nbytes(self) -> int:
        return len(self.content)

    def copy_to(self, target: memoryview) -> None:
        target[:] = self.content


def framed(*fields: object) -> bytes:
    """Return the frame of a TENSOR record."""
    record, sources = records.encode_before(Kind.TENSOR, "tag", 1, 1.5, *fields)
    whole = bytearray(frame.encode_before(record, sum(each.nbytes for each in sources)))
    for each in sources:
        start = len(whole)
        whole += bytes(each.nbytes)
        each.copy_to(memoryview(whole)[start:])
    return bytes(whole)


sources = st.builds(
    lambda dtype, shape: Given(
        dtype, shape, bytes(i & 255 for i in range(prod(shape) * ITEM_BYTES[dtype]))
    ),
    st.sampled_from(sorted(ITEM_BYTES)),
    st.lists(st.integers(0, 4), max_size=3).map(tuple),
)


def prod(shape: tuple[int, ...]) -> int:
    size = 1
    for extent in shape:
        size *= extent
    return size


@given(st.lists(sources, min_size=1, max_size=4))
def test_arrays_come_out_as_they_went_in(given_sources: list[Given]) -> None:
    first, *rest = given_sources
    content = framed(first, "between", [*rest, first], [])
    plain = frame.encode(records.encode(Kind.TEXT, "t", 1, 1.5, "x"))
    bodies = [body for _, body in frame.walk(plain + content + plain)]
    record = records.decode(bodies[1])
    found = [record[4], *record[6]]
    assert record[5] == "between"
    assert record[7] == []
    for array, source in zip(found, [*given_sources, first], strict=True):
        assert (array.dtype, array.shape) == (source.dtype, source.shape)
        assert bytes(array.data) == source.content
        assert array.size == prod(source.shape)


def test_an_array_is_a_view_of_the_frame() -> None:
    content = bytearray(framed(Given("uint8", (3,), b"abc")))
    ((_, body),) = frame.walk(memoryview(content))
    array: Array = records.decode(body)[4]
    content[-1] = ord("z")
    assert bytes(array.data) == b"abz"


@pytest.mark.parametrize("length", range(len(framed(Given("uint8", (3,), b"abc")))))
def test_every_prefix_of_a_frame_with_arrays_is_refused(length: int) -> None:
    content = framed(Given("uint8", (3,), b"abc"))[:length]
    assert list_of(content) == []


def list_of(content: bytes) -> list[bytes]:
    found = []
    try:
        for _, body in frame.walk(content):
            found.append(bytes(body))
    except FrameError:
        pass
    return found


def test_a_flipped_bit_before_the_elements_is_found_out() -> None:
    content = framed(Given("uint8", (3,), b"abc"))
    for bit in range((len(content) - 3) * 8):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises((FrameError, RecordError)):
            _read(bytes(damaged))


def _read(content: bytes) -> list[records.Record]:
    return [records.decode(body) for _, body in frame.walk(content)]


@pytest.mark.parametrize(
    ("record_bytes", "mark"), [(1 << 31, 0xC1), (100, 0xC1), (7, 0xC0), (0xFFFFFFFF, 0xC1)]
)
def test_a_lead_that_lies_is_no_frame(record_bytes: int, mark: int) -> None:
    body = struct.pack("<BI", mark, record_bytes) + b"record"
    content = struct.pack("<II", frame.ARRAYS | len(body), zlib.crc32(body)) + body
    with pytest.raises(FrameError, match="no body"):
        list(frame.walk(content))


@pytest.mark.parametrize("length", range(1, frame.LEAD_BYTES))
def test_a_body_too_short_for_a_lead_is_no_frame(length: int) -> None:
    content = struct.pack("<II", frame.ARRAYS | length, 0) + bytes(length)
    with pytest.raises(FrameError, match="too short to have arrays"):
        list(frame.walk(content))


def description(dtype: object, shape: object) -> bytes:
    packed: bytes = msgpack.packb((dtype, shape))
    return packed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (description("float32", [2, 3]), r"float32 and shape \[2, 3\] has 24 bytes, there are 8"),
        (description("uint8", [1 << 31]), "has no extent 2147483648"),
        (description("uint8", [FRAME_BODY_BYTES, FRAME_BODY_BYTES]), "there are 8"),
        (description("uint8", [-1]), "has no extent -1"),
        (description("uint8", [True]), "has no extent True"),
        (description("uint8", [1.0]), "has no extent 1.0"),
        (description("uint8", 3), "shape is a list"),
        (description("uint8", [1] * (DIMENSIONS + 1)), f"up to {DIMENSIONS} extents"),
        (description("object", [1]), "dtype 'object' is unknown"),
        (description(3, [1]), "dtype 3 is unknown"),
        (msgpack.packb([1]), "its dtype and its shape"),
        (b"", "its dtype and its shape"),
        (b"\xc1", "its dtype and its shape"),
    ],
)
def test_a_hostile_description_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        Elements(memoryview(bytes(8))).take(EXTENSION, content)


def test_an_unknown_extension_is_refused() -> None:
    with pytest.raises(RecordError, match="no extension of type 7"):
        Elements(memoryview(b"")).take(7, description("uint8", [0]))


def test_bytes_that_no_array_claims_are_refused() -> None:
    record, _ = records.encode_before(Kind.TENSOR, "t", 1, 1.5, Given("uint8", (2,), b"ab"))
    content = frame.encode_before(record, 3) + b"abc"
    ((_, body),) = frame.walk(content)
    with pytest.raises(RecordError, match="1 bytes behind the record belong to none"):
        records.decode(body)


def test_a_description_without_elements_is_no_array() -> None:
    body = msgpack.packb((int(Kind.TENSOR), "t", 1, 1.5, describe("uint8", (0,))))
    assert type(records.decode(body)[4]) is not Array


def test_a_record_cannot_hold_just_anything() -> None:
    with pytest.raises(TypeError, match="object"):
        records.encode_before(Kind.TENSOR, "t", 1, 1.5, object())
