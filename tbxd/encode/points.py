"""The points of an embedding as a file that TensorBoard can tell what it is.

The projector opens every file of points as text first, line by line, and takes it for float32
elements only when it meets bytes that are no UTF-8. Elements that look like text up to the end of
a line (zeros and small even numbers do) would end in an error, and with it the projector of all
runs. So such points are written as text. (TensorBoard 2.21, ``projector_plugin.py``; where
TensorFlow is installed it decodes line by line, else 16 Mi characters at a time.)
"""

from __future__ import annotations

import codecs

import numpy as np

from tbxd.format.projection import TENSORS_BINARY, TENSORS_TEXT
from tbxd_wire.arrays import Array
from tbxd_wire.errors import RecordError

from .arrays import NDArray, numpy_of

TEXT_ELEMENTS = 1 << 22
"""Most elements that are written as text: 4 Mi take a second or two and some 50 MB. One in a
hundred embeddings of ordinary numbers has a first line that looks like text; of the larger ones
only those are refused that no TensorBoard could read."""

_LINE_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 24
"""What TensorBoard decodes at a time, in characters."""
_ROWS_AT_A_TIME = 1 << 10


def file_of(points: Array) -> tuple[str, bytes]:
    """Return the name and the content of the file of an array of two dimensions of real numbers.

    Raises:
        RecordError: so many elements that look like text that no file could be read.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        floats = numpy_of(points, "points").astype("<f4")
    elements = floats.tobytes()
    if floats.size <= TEXT_ELEMENTS:
        if _looks_like_text(elements):
            return TENSORS_TEXT, _text(floats)
    elif _is_text(elements[:_CHUNK_BYTES], whole=False):
        raise RecordError(
            f"TensorBoard would take these {floats.size} numbers for text, and read no embedding"
        )
    return TENSORS_BINARY, elements


def _looks_like_text(elements: bytes) -> bool:
    """Return whether the first line is UTF-8."""
    line, end, _ = elements[:_LINE_BYTES].partition(b"\n")
    return _is_text(line, whole=bool(end) or len(elements) <= _LINE_BYTES)


def _is_text(data: bytes, whole: bool) -> bool:
    try:
        codecs.utf_8_decode(data, "strict", whole)
    except UnicodeDecodeError:
        return False
    return True


def _text(floats: NDArray) -> bytes:
    """Return a line for each point. Nine digits tell every float32 from its neighbours."""
    lines = []
    for start in range(0, len(floats), _ROWS_AT_A_TIME):
        for row in floats[start : start + _ROWS_AT_A_TIME].tolist():
            lines.append("\t".join([f"{number:.9g}" for number in row]))
    return ("\n".join(lines) + "\n").encode()
