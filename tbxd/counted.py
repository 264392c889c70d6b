"""How many of what, in words."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number and what there are so many of: ``1 record``, ``1,000 records``.

    Args:
        count: how many.
        one: what one is called.
        many: what any other number is called; default: ``one`` and an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
