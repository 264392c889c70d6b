"""An embedding as it lies beside an event file: what its files hold, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tbxd_wire.paths import directory_of_tag

TENSORS_BINARY = "tensors.bytes"
"""float32, little endian, point by point; the shape stands in the configuration."""
TENSORS_TEXT = "tensors.tsv"
"""A line for each point, its numbers separated by tabs."""
METADATA = "metadata.tsv"
"""A line for each point; if it has several columns, a line of their names before."""
SPRITE = "sprite.png"
"""The pictures of all points, as tbxd_wire.sprites lays them out."""


@dataclass(frozen=True, slots=True)
class Projection:
    """One embedding at one step."""

    tag: str
    step: int
    shape: tuple[int, int]
    """Points, and dimensions of each."""
    files: Mapping[str, bytes]
    """What each file holds, by its name: one of the TENSORS, and METADATA and SPRITE where it has
    any."""
    picture_size: tuple[int, int] | None
    """Width and height of one picture in the sprite, in pixels."""

    @property
    def name(self) -> str:
        """What the projector calls the embedding, and tells it from others of the run by."""
        return f"{self.tag}:{self.step:05d}"

    @property
    def place(self) -> str:
        """Path of the directory of its files, relative to the run's, with slashes."""
        return f"{self.step:05d}/{directory_of_tag(self.tag)}"
