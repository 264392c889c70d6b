"""One TensorBoard with each of its loaders, for all modules here that show the same runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.board import Board, tensorboard

from .training import METRIC, log_everything

LAST: list[tuple[str, dict[str, str], int]] = [
    ("plugin/scalars/scalars", {"run": "hparams", "tag": METRIC}, 1),
    ("plugin/scalars/scalars", {"run": "custom_scalars", "tag": "high"}, 1),
    ("plugin/mesh/meshes", {"run": "shapes", "tag": "hill"}, 6),
    ("plugin/pr_curves/pr_curves", {"run": "distributions", "tag": "raw curve"}, 1),
    ("plugin/audio/audio", {"run": "audio", "tag": "stereo", "sample": "0"}, 1),
    ("plugin/text/text", {"run": "text", "tag": "notes/text_summary"}, 2),
    ("plugin/images/images", {"run": "pictures", "tag": "heat", "sample": "0"}, 1),
]
"""A route that shows what a run holds last, and how much of it."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with all the runs."""
    root = tmp_path_factory.mktemp("logdir")
    log_everything(root)
    return root


@pytest.fixture(scope="session", params=[True, False], ids=["data server", "python loader"])
def board(request: pytest.FixtureRequest, trained: Path) -> Iterator[Board]:
    """Return a TensorBoard that has loaded all the runs."""
    with tensorboard(trained, fast=request.param) as started:

        def loaded() -> list[int]:
            """Return how many of what was logged last in each run is there."""
            answers = [started.get(route, **query) for route, query, _ in LAST]
            return [len(answer or []) for answer in answers]

        started.wait(lambda: loaded() == [count for _, _, count in LAST], loaded)
        yield started
