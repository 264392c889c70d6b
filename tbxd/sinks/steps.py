"""Steps that go back.

TensorBoard's default loader drops, per run and tag, every point whose step is not below that of a
later record. So a step that goes back inside one run directory and tag is worth knowing: it is
counted here, and written as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

TAGS = 10_000
"""Tags whose last step is kept; further ones are not watched. About a MiB when all are used."""


class Steps:
    """The last step of each tag of one run directory."""

    __slots__ = ("_last", "went_back")

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self.went_back = 0
        """Records whose step was below the one before of the same tag."""

    def see(self, tag: str, step: int | None) -> None:
        """Take note of a record's tag and step; a record without a step says nothing."""
        if step is None:
            return
        last = self._last
        before = last.get(tag)
        if before is None:
            if len(last) < TAGS:
                last[tag] = step
        else:
            if step < before:
                self.went_back += 1
            last[tag] = step

    def restart(self) -> None:
        """Forget all steps: the run goes on from a step of its own choice (``purge_step``)."""
        self._last.clear()

    def see_all(self, tags: Iterable[str], step: int | None) -> None:
        """Take note of one step of several tags."""
        for tag in tags:
            self.see(tag, step)
