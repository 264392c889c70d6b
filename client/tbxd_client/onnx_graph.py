"""The graph of an ONNX file as plain nodes: what must happen where the file is.

The ``onnx`` package is imported here alone, and only when a file is read. The nodes are those of a
GRAPH record (tbxd_wire.records), as both peers make them: a "Variable" for whatever enters and
leaves the model, and an operation named after its first output. Unlike theirs:

- weights that lie in files of their own are not read, and an attribute that is large (a constant)
  is described instead of being spelled out: TensorBoard shows no attribute beyond 1,024 bytes;
- an input that an operation leaves out has no name and is no node's;
- another output than an operation's first is ``<first>:<number>``, as TensorFlow has it, so that
  who reads it is connected to it;
- data types have TensorFlow's numbers: an int64 is not shown as a string;
- a name is given once: the operation that makes a model's output stands for that output.
"""

from __future__ import annotations

import os
from typing import Any

NODE = list[Any]
"""One node: ``[name, op, [input, ...], {attribute: [form, value]}, device]``."""

_SHOWN_BYTES = 1024
"""What is larger, TensorBoard leaves out."""

_TYPES = {
    1: 1,  # float32
    2: 4,  # uint8
    3: 6,  # int8
    4: 17,  # uint16
    5: 5,  # int16
    6: 3,  # int32
    7: 9,  # int64
    8: 7,  # str
    9: 10,  # bool
    10: 19,  # float16
    11: 2,  # float64
    12: 22,  # uint32
    13: 23,  # uint64
    14: 8,  # complex64
    15: 18,  # complex128
    16: 14,  # bfloat16
    17: 25,  # float8_e4m3fn
    19: 24,  # float8_e5m2
    21: 30,  # uint4
    22: 29,  # int4
}
"""TensorFlow's number (its types.proto) of each of ONNX's data types (its onnx.proto)."""


def nodes(path: str | os.PathLike[str]) -> list[NODE]:
    """Return the nodes of the model in the file ``path``.

    Raises:
        ImportError: the onnx package is not installed.
        OSError: the file cannot be read.
        google.protobuf.message.DecodeError: it is no ONNX model.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            "add_onnx_graph needs the onnx package: pip install 'tbxd[onnx]'"
        ) from error
    graph = onnx.load(os.fspath(path), load_external_data=False).graph
    operations = [node for node in graph.node if node.output]
    made = {node.output[0] for node in operations}
    references = {
        name: f"{node.output[0]}:{number}"
        for node in operations
        for number, name in enumerate(node.output)
        if number and name
    }
    ends = [*graph.input, *(end for end in graph.output if end.name not in made)]
    found = [_variable(end) for end in ends]
    for node in operations:
        inputs = [references.get(name, name) for name in node.input if name]
        text = ", ".join(map(_attribute, node.attribute))
        found.append([node.output[0], node.op_type, inputs, {"parameters": ["s", text]}, ""])
    return found


def _variable(end: Any) -> NODE:
    """Return the node of what enters or leaves the model. An extent with a name counts as 0."""
    tensor = end.type.tensor_type
    shape = [extent.dim_value for extent in tensor.shape.dim]
    described = {"dtype": ["type", _TYPES.get(tensor.elem_type, 0)], "shape": ["shape", shape]}
    return [end.name, "Variable", [], described, ""]


def _attribute(attribute: Any) -> str:
    """Return an attribute's fields, its name first, as one text."""
    return " = ".join(_text(value) for _, value in attribute.ListFields())


def _text(value: Any) -> str:
    """Return a field's value as text, described if it is large."""
    if hasattr(value, "ByteSize"):
        extents = "x".join(map(str, getattr(value, "dims", ())))
        kind = f"{type(value).__name__} {extents}".rstrip()
        return _shortened(value, value.ByteSize(), f"{kind}, {value.ByteSize()} bytes")
    if not hasattr(value, "__len__"):
        return str(value)
    parts = [each.ByteSize() for each in value if hasattr(each, "ByteSize")]
    return _shortened(value, sum(parts) or len(value), f"{len(value)} values")


def _shortened(value: Any, size: int, description: str) -> str:
    return str(value) if size <= _SHOWN_BYTES else f"({description})"
