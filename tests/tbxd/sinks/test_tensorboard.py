"""Files with commit marks in TensorBoard's own readers: every point, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.backend.event_processing.plugin_event_accumulator import (
    EventAccumulator as PluginEventAccumulator,
)

from tbxd.encode import encode
from tbxd.format import marks
from tbxd.sinks.run_directory import RunDirectory
from tbxd_wire import records
from tbxd_wire.kinds import Kind
from tests.board import Board, tensorboard

from .writing import patient_disk, write

SESSIONS = [bytes([number]) * 16 for number in range(3)]
ROUNDS = 40
PER_ROUND = 30
POINTS = ROUNDS * PER_ROUND


def expected(tag: str) -> list[tuple[int, float]]:
    """Return the points of one tag. All values are float32s."""
    return [(step, step * 0.5) for step in range(POINTS) if tag in tags_of(step)]


def tags_of(step: int) -> tuple[str, ...]:
    return ("a/loss", "b/loss") if step % 3 == 0 else ("a/loss",)


def log_round(directory: RunDirectory, number: int) -> None:
    """Write the points of one round, as the batch of one of the sessions."""
    session = SESSIONS[number % len(SESSIONS)]
    steps = range(number * PER_ROUND, (number + 1) * PER_ROUND)
    events = []
    for step in steps:
        progress = directory.progress.get(session)
        if progress is None or not progress.written(step * 10):
            values = dict.fromkeys(tags_of(step), step * 0.5)
            record = records.decode(records.encode(Kind.SCALARS, "", step, 1e9 + step, values))
            events.append(encode(record)[0][1])
    directory.add(session, steps.start * 10, steps.stop * 10, events)
    assert write(directory, 2e9) is not None


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three daemons one after the other, the first two killed in the middle of their last round."""
    root = tmp_path_factory.mktemp("logdir")
    first = 0
    for end in (ROUNDS // 3, 2 * ROUNDS // 3, ROUNDS):
        directory = RunDirectory(str(root / "run"), patient_disk(), host="host")
        for session in SESSIONS:
            directory.resume(session)
        if first == 0:
            text = records.decode(records.encode(Kind.TEXT, "notes", 0, 1e9, "words"))
            directory.add(b"t" * 16, 0, 100, [encode(text)[0][1]])
            write(directory, 2e9)
        for number in range(first, end):
            log_round(directory, number)
        directory.close()
        directory.disk.close()
        if end < ROUNDS:
            assert directory.file.path is not None
            os.truncate(directory.file.path, os.path.getsize(directory.file.path) - 400)
            first = end - 1
    assert len(os.listdir(root / "run")) == 3
    return str(root)


def test_the_files_hold_marks_that_could_be_shown(logdir: str) -> None:
    """Without this, the other tests would pass on files that have none."""
    found = 0
    for name in sorted(os.listdir(f"{logdir}/run")):
        for event in LegacyEventFileLoader(f"{logdir}/run/{name}").Load():
            found += marks.parse(event.SerializeToString()) is not None
    assert found >= ROUNDS


@pytest.mark.parametrize("accumulator", [EventAccumulator, PluginEventAccumulator])
def test_the_accumulators_show_every_point(logdir: str, accumulator: Any) -> None:
    loaded = accumulator(f"{logdir}/run", size_guidance={"scalars": 0, "tensors": 0})
    loaded.Reload()
    tags = loaded.Tags()
    plugin_style = accumulator is PluginEventAccumulator
    kind = "tensors" if plugin_style else "scalars"
    assert sorted(tags[kind]) == sorted(
        ["a/loss", "b/loss", *(["notes/text_summary"] if plugin_style else [])]
    )
    for tag in ("a/loss", "b/loss"):
        if plugin_style:
            found = [(each.step, each.tensor_proto.float_val[0]) for each in loaded.Tensors(tag)]
        else:
            found = [(each.step, each.value) for each in loaded.Scalars(tag)]
        assert found == expected(tag)


@pytest.fixture(params=[True, False], ids=["data server", "python loader"])
def board(request: pytest.FixtureRequest, logdir: str) -> Iterator[Board]:
    """A real TensorBoard."""
    with tensorboard(Path(logdir), fast=request.param) as started:
        yield started


def test_tensorboard_shows_every_point(board: Board) -> None:
    board.wait(
        lambda: board.points("run", "b/loss") == expected("b/loss"),
        lambda: len(board.points("run", "b/loss")),
    )
    assert board.points("run", "a/loss") == expected("a/loss")
    assert set(board.get("plugin/scalars/tags")["run"]) == {"a/loss", "b/loss"}
    assert board.get("plugin/text/tags") == {"run": ["notes/text_summary"]}
