"""What each kind's record holds: the msgpack array that is a frame's body.

Every record begins with the same four fields and stands alone, so that any suffix of a journal
can be applied without what came before::

    [kind, tag, step, wall_time, value, ...]

    kind       u8, tbxd_wire.kinds.Kind
    tag        str, in full; "" for the kinds that have none
    step       int64, or nil for "no step given"
    wall_time  float64 (or an integer), seconds since 1970, always finite

    SCALAR          value float64, [form u8, display_name str, description str]
    SCALAR_GROUP    value {sub-run name: float64}; each goes to <run>/<tag>/<sub-run name>
    SCALARS         value {tag: float64}; tag is ""
    TEXT            value str, Markdown
    SESSION_START   no value; step is where the run goes on; tag is ""
    HISTOGRAM       values array of real numbers, bins (str, "tensorflow" or a name of numpy's; or
                    int, how many; or float64 array of edges, rising), max_bins int or nil
    HISTOGRAM_RAW   min, max, num, sum, sum_squares float64, bucket_limits and bucket_counts,
                    float64 arrays of one shape
    PARAMETER       values array of real numbers; makes <tag> and <tag>/norm
    IMAGE           picture array of real numbers (or a list of them, of one shape: the pictures of
                    a grid), layout str (tbxd_wire.layouts: N C H W; of a list, that of each)
    IMAGE_BOXES     picture and layout as of an IMAGE, boxes array (n, 4 or more) of xmin ymin xmax
                    ymax, labels [str, ...] or nil, rescale float64
    VIDEO           frames array of real numbers, layout str of N T C H W, frames per second float64
    AUDIO           samples array of float, int16, int32 or uint8, (length, channels), or of any
                    shape with one extent above 1; rate int (Hz)
    TENSOR          elements array
    PR_CURVE        labels array, predictions array of the same shape, num_thresholds int, weights
                    array of that shape or of one number, or nil
    PR_CURVE_RAW    tp, fp, tn, fn, precision, recall: one float64 array (6, thresholds)
    MESH            vertices array (n, points, 3), colors array (n, points, 3) or nil,
                    faces array (n, faces, 3) or nil, configuration str (JSON)
    SURFACE         x array, y array, z array of shape (rows, columns); x and y of that shape, or
                    (columns,) and (rows,)
    HPARAMS         sub-run str, hparams {name: bool, float64 or str}, metrics {tag: float64},
                    domains {name: [value, ...]} of the hparam's own type, finite; tag is ""
    CUSTOM_SCALARS  [[category, [[chart, "Multiline" or "Margin", [tag, ...]], ...]], ...];
                    tag is ""
    EMBEDDING       points array (n, dimensions), metadata [[str, ...], ...] or nil (a row for each
                    point, of one value if there is no header), header [str, ...] or nil, pictures
                    array (n, channels, height, width) or nil; a step of nil is shown as 0
    GRAPH           [[name, op, [input, ...], {attribute: [form, value]}, device str], ...]: a node
                    each; the forms are "s" (value str), "type" (int, TensorFlow's DataType),
                    "shape" ([extent, ...]) and "shapes" (a list of such); tag is ""
    GRAPH_DEF       array of uint8: the bytes; tag is ""
    RUN_METADATA    array of uint8: the bytes
    SUMMARY         array of uint8: the bytes; tag is ""
    EVENT           array of uint8: the bytes; tag is ""; the record's wall time is the event's,
                    and so is its step unless that is nil: then the event's own holds
    CURVE           x array, y array (n,), label str or nil; makes <tag> and <tag>/data
    HEATMAP         matrix array (rows, columns), row names [str, ...] or nil, column names
                    [str, ...] or nil, annotated bool, axes [str, str] (of the rows, the columns)

Arrays are those of tbxd_wire.arrays. Fields in brackets may be absent. New fields are only ever
appended; a reader ignores those that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import msgpack

from .arrays import Elements, Source, describe
from .errors import RecordError
from .frame import LEAD, LEAD_BYTES, LEAD_MARK
from .kinds import Kind
from .limits import STEP_MAX, STEP_MIN

COMMON_FIELDS = 4

# One packer for all threads: packing plain values runs no Python code, so the interpreter lock
# makes each call atomic, and a call that raises leaves the packer empty.
pack: Callable[[object], bytes] = msgpack.Packer(autoreset=True).pack
"""Packs the fields of a record. :func:`encode` does so for each kind but a plain scalar, which the
writer packs on the spot: ``pack((SCALAR, tag, step, wall_time, value))``."""

SCALAR = int(Kind.SCALAR)

Record = list[Any]
"""A decoded record: the array's fields in order."""

CONTAINERS = 1 << 21
"""Most lists and maps in a record: room for the labels of two million points, or for a graph of
250,000 nodes. One byte can be a list, and decoded it takes some eighty."""

_CONTAINER_BYTES = bytes([*range(0x80, 0xA0), *range(0xDC, 0xE0)])
"""What a list or a map may begin with (the msgpack specification)."""


def encode(kind: Kind, tag: str, step: int | None, wall_time: float, *fields: object) -> bytes:
    """Return a record without arrays; ``fields`` are those of its kind, as the module's head says.

    Raises:
        TypeError: a field that msgpack does not know.
    """
    return pack((int(kind), tag, step, wall_time, *fields))


def encode_before(
    kind: Kind, tag: str, step: int | None, wall_time: float, *fields: Any
) -> tuple[bytes, list[Source]]:
    """Return a record with arrays, and the arrays whose elements must follow it, in their order.

    Args:
        fields: as for :func:`encode`, with a Source where an array is to be: as a field, or in a
            list that is a field and begins with one.

    Raises:
        TypeError: a field that is neither a Source nor known to msgpack.
    """
    sources: list[Source] = []
    record: list[Any] = [kind, tag, step, wall_time]
    for field in fields:
        if hasattr(field, "copy_to"):
            sources.append(field)
            field = describe(field.dtype, field.shape)
        elif type(field) is list and field and hasattr(field[0], "copy_to"):
            sources += field
            field = [describe(each.dtype, each.shape) for each in field]
        record.append(field)
    return pack(record), sources


def decode(body: bytes | memoryview) -> Record:
    """Return the fields of a record whose first four are checked; the value is not.

    Args:
        body: a frame's; an array in the record is a view of it.

    Raises:
        RecordError: not msgpack, not an array, a common field of a wrong type or range, or arrays
            that disagree with the elements behind the record. An unknown kind is no error here:
            the caller skips and counts it.
    """
    try:
        has_arrays = len(body) >= LEAD_BYTES and body[0] == LEAD_MARK
        record = _with_arrays(memoryview(body)) if has_arrays else _unpack(body)
        kind, tag, step, wall_time, *_ = record
    except RecordError:
        raise
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise RecordError(f"not a record of {COMMON_FIELDS} or more fields: {error}") from None
    if type(record) is not list or type(kind) is not int:
        raise RecordError("a record is an array that begins with its kind")
    if type(tag) is not str:
        raise RecordError(f"the tag must be a str, not {type(tag).__name__}")
    if step is not None and (type(step) is not int or not STEP_MIN <= step <= STEP_MAX):
        raise RecordError(f"the step must be an int64 or nil, not {step!r:.40}")
    if type(wall_time) is int:
        # Whole seconds, as a simulated clock may give them; NaN stays what it is.
        wall_time = record[3] = float(wall_time)
    if type(wall_time) is not float or not isfinite(wall_time):
        raise RecordError(f"the wall time must be a finite float64, not {wall_time!r:.40}")
    return record


def _with_arrays(body: memoryview) -> Record:
    """Return the fields of a record with arrays; its frame has checked the lead."""
    _, length = LEAD.unpack_from(body)
    elements = Elements(body[LEAD_BYTES + length :])
    record: Record = _unpack(body[LEAD_BYTES : LEAD_BYTES + length], ext_hook=elements.take)
    if elements.rest:
        raise RecordError(f"{elements.rest} bytes behind the record belong to none of its arrays")
    return record


def _unpack(packed: bytes | memoryview, **hooks: Callable[..., Any]) -> Any:
    """Return what was packed.

    Raises:
        RecordError: it has more than CONTAINERS lists and maps.
        ValueError, TypeError, RecursionError, msgpack.UnpackException: it is not msgpack.
    """
    # Looked at first, as a hook for each costs more than all the rest.
    if len(packed) > CONTAINERS:
        others = bytes(packed).translate(None, _CONTAINER_BYTES)
        if len(packed) - len(others) > CONTAINERS:
            count = _Count()
            hooks |= {"list_hook": count, "object_hook": count}
    return msgpack.unpackb(packed, **hooks)


class _Count:
    """Counts the containers of a record."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = CONTAINERS

    def __call__(self, container: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise RecordError(f"a record has at most {CONTAINERS:,} lists and maps")
        return container
