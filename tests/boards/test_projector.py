"""Embeddings in a real TensorBoard's projector: every route that its page asks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tbxd.encode import beside, encode
from tbxd.sinks import projector
from tbxd.sinks.run_directory import RunDirectory
from tbxd_client.arrays import source
from tbxd_wire.kinds import Kind
from tests.board import Board, tensorboard
from tests.tbxd.encode.making import record_of
from tests.tbxd.sinks.writing import patient_disk, write

Array = np.ndarray[Any, np.dtype[Any]]

RANDOM = np.random.default_rng(7)
POINTS = {
    "default:00000": RANDOM.normal(size=(9, 5)).astype(np.float32),
    "words/ü%:00000": RANDOM.normal(size=(4, 2)).astype(np.float32),
    "default:00012": RANDOM.normal(size=(7, 5)).astype(np.float32),
    # Elements that look like text, to the projector as well.
    "zeros:00012": np.zeros((3, 4), np.float32),
    "digits:00012": np.frombuffer(b"12.512.5\n0.5    " * 3, np.float32).reshape(6, 2),
}
PICTURES = RANDOM.integers(0, 256, (9, 3, 6, 10)).astype(np.uint8)


def log(directory: Path, name: str, *beside_points: object) -> None:
    """Write one of POINTS as the daemon does: the event, and the files beside it."""
    tag, _, step = name.rpartition(":")
    fields = beside_points or (None, None, None)
    record = record_of(Kind.EMBEDDING, tag, source(POINTS[name]), *fields, step=int(step))
    ((place, event),) = encode(record)
    assert place == ""
    run = RunDirectory(str(directory), patient_disk(), host="host")
    run.add(bytes(16), 0, 100, [event])
    assert write(run, 2e9) is not None
    run.close()
    run.disk.close()
    projection = beside(record)
    assert projection is not None
    projector.write(str(directory), projection)


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("logdir")
    labels = [[f"label {number}"] for number in range(9)]
    log(root / "first", "default:00000", labels, None, source(PICTURES))
    table = [["", " "], ["a\tb", "c\nd"], ["é", "1"], ["x", "2"]]
    log(root / "first", "words/ü%:00000", table, ["kind", "number"], None)
    for name in ("default:00012", "zeros:00012", "digits:00012"):
        log(root / "first", name)
    log(root / "deep" / "second", "default:00012")
    (root / "none").mkdir()
    return root


@pytest.fixture(scope="module", params=[True, False], ids=["data server", "python loader"])
def board(request: pytest.FixtureRequest, logdir: Path) -> Iterator[Board]:
    with tensorboard(logdir, fast=request.param) as started:

        def runs() -> Any:
            return started.get("plugin/projector/runs")

        started.wait(lambda: len(runs() or []) == 2, runs)
        yield started


def test_every_run_with_embeddings_is_shown(board: Board) -> None:
    assert sorted(board.get("plugin/projector/runs")) == ["deep/second", "first"]


def test_every_tag_and_step_is_an_embedding(board: Board) -> None:
    info = board.get("plugin/projector/info", run="first")
    shapes = {each["tensorName"]: tuple(each["tensorShape"]) for each in info["embeddings"]}
    assert shapes == {name: points.shape for name, points in POINTS.items()}
    assert info["embeddings"][0]["sprite"]["singleImageDim"] == [10, 6]
    info = board.get("plugin/projector/info", run="deep/second")
    assert [each["tensorName"] for each in info["embeddings"]] == ["default:00012"]


@pytest.mark.parametrize("name", POINTS)
def test_the_points_are_those_that_were_logged(board: Board, name: str) -> None:
    content = board.read("plugin/projector/tensor", run="first", name=name)
    assert content == POINTS[name].tobytes()
    few = board.read("plugin/projector/tensor", run="first", name=name, num_rows="2")
    assert few == POINTS[name][:2].tobytes()


def test_two_runs_with_one_name(board: Board) -> None:
    content = board.read("plugin/projector/tensor", run="deep/second", name="default:00012")
    assert content == POINTS["default:00012"].tobytes()


def test_labels(board: Board) -> None:
    route = "plugin/projector/metadata"
    content = board.read(route, run="first", name="default:00000")
    assert content == b"".join(b"label %d\n" % number for number in range(9))
    content = board.read(route, run="first", name="words/ü%:00000")
    assert content is not None
    header, *rows = content.decode().splitlines()
    assert header == "kind\tnumber"
    assert [row.split("\t") for row in rows] == [
        ["\u200b", " "],
        ["a b", "c d"],
        ["é", "1"],
        ["x", "2"],
    ]
    assert board.read(route, run="first", name="default:00012") is None


def test_pictures(board: Board) -> None:
    content = board.read("plugin/projector/sprite_image", run="first", name="default:00000")
    assert content is not None
    sprite = np.asarray(Image.open(io.BytesIO(content)))
    # What the page does: as many columns and rows as pictures fit across and down.
    columns, rows = sprite.shape[1] // 10, sprite.shape[0] // 6
    for number, picture in enumerate(PICTURES):
        x, y = number % columns * 10, number // rows * 6
        assert (sprite[y : y + 6, x : x + 10] == picture.transpose(1, 2, 0)).all()
    assert board.read("plugin/projector/sprite_image", run="first", name="zeros:00012") is None
