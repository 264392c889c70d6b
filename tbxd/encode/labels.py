"""The labels of an embedding's points, as the projector reads them: tab-separated values.

Its rules, read in TensorBoard 2.21: a first line with a tab in it is the header, any other one is
the first label; a line of nothing but white space is skipped, and the labels behind it would all
move up by one point.
"""

from __future__ import annotations

_TO_SPACE = str.maketrans("\t\n\r", "   ")
_BLANK = "\u200b"
"""A space of no width, which counts as no white space: what a line of blank values begins with."""
_MARK = "\ufeff"
"""A byte order mark, which JavaScript counts as white space and Python does not."""


def tsv(header: list[str] | None, rows: list[list[str]]) -> bytes:
    """Return a line for each row, and one before for a header of more than one column.

    The name of a single column is not written: it would be taken for the first point's label.

    Args:
        header: names of the columns; None for labels of one column.
        rows: values, as many in each as there are columns.
    """
    lines = [_line(row) for row in rows]
    if header is not None and len(header) > 1:
        lines.insert(0, _line(header))
    return ("\n".join(lines) + "\n").encode()


def _line(values: list[str]) -> str:
    line = "\t".join([value.translate(_TO_SPACE) for value in values])
    return line if line.replace(_MARK, "").strip() else _BLANK + line
