"""TENSOR: an array, kept element by element, as TensorBoard's ``make_ndarray`` reads it."""

from __future__ import annotations

from typing import Final

import numpy as np

from tbxd.proto import event_pb2
from tbxd_wire.arrays import Array
from tbxd_wire.records import Record

from .arrays import array_of
from .chunks import chunks
from .event import begin
from .fields import value_of

_PLUGIN = "tensor"

_AS_THEY_ARE: Final = {
    "bool": event_pb2.DT_BOOL,
    "int8": event_pb2.DT_INT8,
    "int16": event_pb2.DT_INT16,
    "int32": event_pb2.DT_INT32,
    "int64": event_pb2.DT_INT64,
    "uint8": event_pb2.DT_UINT8,
    "uint16": event_pb2.DT_UINT16,
    "uint32": event_pb2.DT_UINT32,
    "uint64": event_pb2.DT_UINT64,
    "float16": event_pb2.DT_HALF,
    "float32": event_pb2.DT_FLOAT,
    "float64": event_pb2.DT_DOUBLE,
    "complex64": event_pb2.DT_COMPLEX64,
    "complex128": event_pb2.DT_COMPLEX128,
}
_UNREADABLE_IF_EMPTY = ("uint32", "uint64")


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a TENSOR record.

    The elements are the tensor's content, byte by byte, but for what ``make_ndarray`` (TensorBoard
    2.21 without TensorFlow) cannot read. Such a dtype becomes the smallest that holds each of its
    values exactly: bfloat16 becomes float32, and all of float8 become float16. uint32 and uint64
    are read only where there are elements; without any, int64 stands for them.
    """
    array = array_of(value_of(record), "a tensor")
    event = begin(record)
    value = event.summary.value.add(tag=record[1])
    value.metadata.plugin_data.plugin_name = _PLUGIN
    tensor = value.tensor
    tensor.dtype, tensor.tensor_content = _stored(array)
    for extent in array.shape:
        tensor.tensor_shape.dim.add(size=extent)
    tensor.tensor_shape.SetInParent()
    return [("", event.SerializeToString())]


def _stored(array: Array) -> tuple[event_pb2.DataType, bytes]:
    """Return the dtype and the content."""
    if array.dtype in _UNREADABLE_IF_EMPTY and not array.data:
        return event_pb2.DT_INT64, b""
    if array.dtype in _AS_THEY_ARE:
        return _AS_THEY_ARE[array.dtype], bytes(array.data)
    dtype, number = ("<f2", event_pb2.DT_HALF)
    if array.dtype == "bfloat16":
        dtype, number = ("<f4", event_pb2.DT_FLOAT)
    with np.errstate(invalid="ignore"):
        return number, b"".join(chunk.astype(dtype).tobytes() for chunk in chunks(array))
