"""Labels as lines, read as the projector's page reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.encode import labels

# As JavaScript's String.prototype.trim has it (ECMA-262, WhiteSpace and LineTerminator).
_JAVASCRIPT_SPACE = "\t\v\f \u00a0\ufeff\n\r\u2028\u2029\u1680\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
values = st.text(st.sampled_from(list("ab\t\n\r é\u200b\x85\x1c" + _JAVASCRIPT_SPACE)), max_size=4)


def read(content: bytes) -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows that the projector's page finds (TensorBoard 2.21)."""
    columns, rows = ["label"], []
    first = True
    for line in content.decode().split("\n"):
        if not line.strip(_JAVASCRIPT_SPACE):
            continue
        if first and "\t" in line:
            columns = line.split("\t")
        else:
            rows.append(line.split("\t"))
        first = False
    return columns, rows


@given(
    st.integers(1, 3).flatmap(
        lambda width: st.lists(
            st.lists(values, min_size=width, max_size=width), min_size=2, max_size=6
        )
    )
)
def test_every_point_gets_its_row(table: list[list[str]]) -> None:
    header, *rows = table
    columns, found = read(labels.tsv(header, rows))
    assert len(columns) == len(header)
    assert len(found) == len(rows)
    for row, given_row in zip(found, rows, strict=True):
        assert len(row) == len(given_row)
        for value, given_value in zip(row, given_row, strict=True):
            assert value.removeprefix("\u200b") == given_value.translate(
                str.maketrans("\t\n\r", "   ")
            ).removeprefix("\u200b")


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        (None, [["a"], ["b c"]], "a\nb c\n"),
        (["name"], [["a"], ["b"]], "a\nb\n"),
        (["x", "y"], [["a", "1"], ["b\t", "\r\n2"]], "x\ty\na\t1\nb \t  2\n"),
        (None, [[""], [" "], ["\ufeff"], ["a"]], "\u200b\n\u200b \n\u200b\ufeff\na\n"),
        (["", ""], [["", ""], ["", "a"]], "\u200b\t\n\u200b\t\n\ta\n"),
    ],
)
def test_lines(header: list[str] | None, rows: list[list[str]], expected: str) -> None:
    assert labels.tsv(header, rows).decode() == expected
