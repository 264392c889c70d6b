"""The task: tell apart the ten digits, each image drawn anew by an unsteady hand.

A digit is one stroke of the pen through a few points. A drawing of it shakes the points, turns,
slants, stretches and moves the stroke, picks a pen, and adds noise, so that no two images are
alike and there is something to learn. Drawing takes a few milliseconds of numpy per batch, as
decoding and augmenting do in real loaders.

The images of a batch depend on its number only, never on who draws it or when.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CLASSES = 10
SIDE_PIXELS = 14
PIXELS = SIDE_PIXELS * SIDE_PIXELS

_POINTS = 14
"""Points of every stroke: enough for the two loops of an 8."""

# The unit square, x to the right and y downwards; the pen never leaves the paper.
_STROKES: tuple[tuple[tuple[float, float], ...], ...] = (
    ((0.5, 0.0), (0.15, 0.2), (0.1, 0.7), (0.5, 1.0), (0.9, 0.7), (0.85, 0.2), (0.5, 0.0)),
    ((0.3, 0.2), (0.55, 0.0), (0.55, 1.0)),
    ((0.15, 0.2), (0.5, 0.0), (0.85, 0.25), (0.5, 0.6), (0.1, 1.0), (0.9, 1.0)),
    ((0.15, 0.1), (0.6, 0.0), (0.8, 0.25), (0.4, 0.45), (0.85, 0.7), (0.5, 1.0), (0.1, 0.9)),
    ((0.65, 1.0), (0.65, 0.0), (0.1, 0.65), (0.9, 0.65)),
    ((0.85, 0.0), (0.25, 0.0), (0.2, 0.45), (0.7, 0.4), (0.85, 0.7), (0.6, 1.0), (0.1, 0.9)),
    ((0.75, 0.0), (0.3, 0.35), (0.1, 0.75), (0.5, 1.0), (0.85, 0.75), (0.5, 0.5), (0.15, 0.7)),
    ((0.1, 0.0), (0.9, 0.0), (0.6, 0.45), (0.4, 1.0)),
    ((0.5, 0.5), (0.2, 0.25), (0.5, 0.0), (0.8, 0.25), (0.2, 0.75), (0.5, 1.0), (0.8, 0.75),
     (0.5, 0.5)),
    ((0.85, 0.3), (0.5, 0.5), (0.15, 0.25), (0.5, 0.0), (0.85, 0.25), (0.8, 0.6), (0.6, 1.0)),
)  # fmt: skip


def _resampled(points: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float32]:
    """Return ``_POINTS`` points at equal distances along a stroke, around the origin."""
    path = np.asarray(points)
    lengths = np.hypot(*np.diff(path, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = np.linspace(0.0, along[-1], _POINTS)
    columns = [np.interp(wanted, along, path[:, axis]) - 0.5 for axis in (0, 1)]
    return np.stack(columns, axis=1).astype(np.float32)


_SHAPES = np.stack([_resampled(points) for points in _STROKES])
_CENTERS = (np.arange(SIDE_PIXELS, dtype=np.float32) + 0.5) / SIDE_PIXELS - 0.5
_GRID_X = np.tile(_CENTERS, SIDE_PIXELS)
_GRID_Y = np.repeat(_CENTERS, SIDE_PIXELS)


@dataclass(frozen=True, slots=True)
class Batch:
    """Images and what is true of them."""

    images: npt.NDArray[np.uint8]
    """(size, PIXELS), 0 is paper and 255 ink."""
    labels: npt.NDArray[np.uint8]
    """(size,), the digits."""
    turns: npt.NDArray[np.float32]
    """(size,), how far each was turned, in degrees."""


def draw(seed: int, number: int, size: int) -> Batch:
    """Draw batch ``number`` of the data set ``seed``."""
    random = np.random.default_rng((seed, number))
    labels = random.integers(0, CLASSES, size)
    turns = random.normal(0.0, 12.0, size)
    points = _SHAPES[labels] + random.normal(0.0, 0.035, (size, _POINTS, 2))
    points = np.einsum("bij,bpj->bpi", _distortions(random, turns), points)
    points += random.normal(0.0, 0.04, (size, 1, 2))
    pens = random.uniform(0.035, 0.07, (size, 1))
    # The ink fades over one pixel at the edge of the pen.
    ink = np.clip(1.0 - (_distances(points.astype(np.float32)) - pens) * SIDE_PIXELS, 0.0, 1.0)
    noise = random.normal(0.0, 0.08, ink.shape)
    images = np.clip((ink + noise) * 255.0, 0.0, 255.0)
    return Batch(images.astype(np.uint8), labels.astype(np.uint8), turns.astype(np.float32))


def _distortions(
    random: np.random.Generator, turns: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return a matrix for each drawing: stretched, slanted, then turned by ``turns`` degrees."""
    size = len(turns)
    cosine, sine = np.cos(np.radians(turns)), np.sin(np.radians(turns))
    rotation = np.stack([cosine, -sine, sine, cosine], axis=1).reshape(size, 2, 2)
    slanted = np.zeros((size, 2, 2))
    slanted[:, 0, 0] = random.uniform(0.4, 0.6, size)
    slanted[:, 1, 1] = random.uniform(0.6, 0.8, size)
    slanted[:, 0, 1] = random.normal(0.0, 0.12, size)
    return rotation @ slanted


def _distances(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the distance (size, PIXELS) of each pixel from each stroke."""
    x, y = points[:, :-1, :1], points[:, :-1, 1:]
    ways = np.diff(points, axis=1)
    way_x, way_y = ways[..., :1], ways[..., 1:]
    # The nearest point of a segment is a share of the way along it.
    to_x, to_y = _GRID_X - x, _GRID_Y - y
    share = (to_x * way_x + to_y * way_y) / np.maximum(way_x**2 + way_y**2, np.float32(1e-9))
    np.clip(share, 0.0, 1.0, out=share)
    to_x -= share * way_x
    to_y -= share * way_y
    squares: npt.NDArray[np.float32] = (to_x * to_x + to_y * to_y).min(axis=1)
    return np.sqrt(squares)
