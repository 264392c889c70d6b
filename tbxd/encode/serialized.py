"""Serialized messages that came from outside: parsed, and nothing left in them that harms a reader.

TensorBoard gives up on a file at the first event that it cannot parse, and its two readers are not
of one mind: protobuf's parser keeps a field whose type is not the expected one as unknown, prost's
(of the data server) calls it an error. So unknown fields are taken out of what goes into a file.
Nobody who reads event files would look at them.
"""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from tbxd_wire.errors import RecordError

from .arrays import array_of

MESSAGE = TypeVar("MESSAGE", bound=Message)

FIELDS = 1 << 20
"""Most fields of a message, those of the messages in it included: two bytes can be a message, and
parsed it takes a hundred."""

_COUNTED_FROM_BYTES = 1 << 20
"""What is shorter cannot take much however it is made up; nearly all that is longer is a picture
or a tensor, and quickly counted."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_VARINT_BYTES = 10


def is_long(data: bytes) -> bool:
    """Return whether a message may take long to parse, and is left to those who have to."""
    return len(data) > _COUNTED_FROM_BYTES


def bytes_of(value: object, name: str) -> bytes:
    """Return the content of an array of uint8.

    Raises:
        RecordError: it is no array, or one of another dtype or of more than one dimension.
    """
    array = array_of(value, name)
    if array.dtype != "uint8" or len(array.shape) != 1:
        raise RecordError(
            f"{name} must be one row of uint8, not {array.dtype} of shape {array.shape}"
        )
    return bytes(array.data)


def parse(kind: type[MESSAGE], data: bytes) -> MESSAGE:
    """Return the message that ``data`` is, with all that is in it.

    Raises:
        RecordError: it is none, or one of more than FIELDS fields.
    """
    name = kind.DESCRIPTOR.name
    if is_long(data) and _count(data, 0, len(data), kind.DESCRIPTOR, 0) > FIELDS:
        raise RecordError(f"a {name} of {len(data)} bytes has more than {FIELDS} fields")
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise RecordError(f"{len(data)} bytes are no serialized {name}: {error}") from None


def parse_known(kind: type[MESSAGE], data: bytes) -> MESSAGE:
    """Return the message that ``data`` is, without the fields that nobody knows.

    Raises:
        RecordError: as :func:`parse`, or a known field has the type of another.
    """
    message = parse(kind, data)
    size = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != size:
        _refuse_wrong_types(kind.FromString(data))
    return message


def _refuse_wrong_types(message: Message) -> None:
    descriptor = message.DESCRIPTOR
    unknown_fields: Any = UnknownFieldSet(message)
    for unknown in unknown_fields:
        field = descriptor.fields_by_number.get(unknown.field_number)
        if field is not None:
            raise RecordError(f"{descriptor.name}.{field.name} has the type of another field")
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in [value] if isinstance(value, Message) else value:
                _refuse_wrong_types(each)


def _count(data: bytes, start: int, end: int, descriptor: Any, count: int) -> int:
    """Return ``count`` and the fields from ``start`` to ``end``; stops soon beyond FIELDS.

    What is no message is counted up to where that shows: the parser will say so.
    """
    while start < end and count <= FIELDS:
        count += 1
        key, start = _varint(data, start, end)
        kind = key & 7
        if kind == _VARINT:
            _, start = _varint(data, start, end)
        elif kind == _FIXED64:
            start += 8
        elif kind == _FIXED32:
            start += 4
        elif kind == _BYTES:
            length, start = _varint(data, start, end)
            inside = min(start + length, end)
            field = descriptor.fields_by_number.get(key >> 3)
            if field is not None and field.message_type is not None:
                count = _count(data, start, inside, field.message_type, count)
            start = inside
        else:
            # A group, which nothing of TensorFlow's has, and the parser may nest deeply.
            return FIELDS + 1
    return count


def _varint(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the varint at ``start`` and the offset behind it."""
    number = 0
    for place in range(start, min(start + _VARINT_BYTES, end)):
        byte = data[place]
        number |= (byte & 0x7F) << 7 * (place - start)
        if byte < 0x80:
            return number, place + 1
    return 0, end
