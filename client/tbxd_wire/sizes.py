"""Sizes as people write them: ``64MiB``, ``1.5 GiB``, ``200k``, ``4096``."""

from __future__ import annotations

import re

_UNITS = ("TiB", "GiB", "MiB", "KiB")
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?)b?\s*", re.IGNORECASE)


def parse(text: str) -> int:
    """Return how many bytes; ``k``, ``M``, ``G``, ``T`` are powers of 1000, with ``i`` of 1024.

    Raises:
        ValueError: it says what is expected.
    """
    match = _SIZE.fullmatch(text)
    if match is None or (match[3] and not match[2]):
        raise ValueError(f"expected a size such as 64MiB, 1.5G or 4096, not {text!r}")
    base = 1024 if match[3] else 1000
    try:
        return int(float(match[1]) * base ** " kmgt".index(match[2].lower() or " "))
    except OverflowError:
        raise ValueError(f"{text[:40]!r}... is larger than any size") from None


def text(count: int) -> str:
    """Return ``count`` bytes as people write them, exactly: ``64 MiB``, ``4,097 bytes``."""
    for power, unit in zip(range(40, 0, -10), _UNITS, strict=True):
        if count >= 1 << power and not count % (1 << power):
            return f"{count >> power} {unit}"
    return f"{count:,} bytes"
