"""What a writer that is not to write has in a recorder's place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tbxd_wire.arrays import Source

from .client import NO_RECORDS


class Discarder:
    """Stands in for a recorder that must not write: takes everything, keeps nothing."""

    cause = ""

    def append(self, body: bytes) -> bool:
        """Take the record and drop it."""
        return True

    def append_arrays(self, record: bytes, sources: Sequence[Source]) -> bool:
        """Take the record and drop it."""
        return True

    def refused(self, append: Callable[..., bool], *record: Any) -> None:
        """Never called: everything is taken."""

    def failed(self, error: Exception) -> None:
        """Never called: nothing is copied."""

    def flush(self, timeout_s: float) -> None:
        """Do nothing: nothing was logged."""

    def close(self, timeout_s: float) -> None:
        """Do nothing."""

    def stats(self) -> dict[str, Any]:
        """Return the facts of a session without records."""
        return {"run": None, "role": None} | NO_RECORDS | {"connected": False, "trouble": ""}
