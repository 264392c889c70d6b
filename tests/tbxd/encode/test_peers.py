"""What tensorboardX and torch.utils.tensorboard write, read back, beside what we encode."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorboardX
import torch.utils.tensorboard as torch_tensorboard
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from tbxd.encode import encode
from tbxd_wire import records
from tbxd_wire.kinds import Kind, ScalarForm

PEERS = [tensorboardX.SummaryWriter, torch_tensorboard.SummaryWriter]
VALUES = [0.1, -3.0, 1e300, -1e300, 1e-300, float("inf"), float("nan")]
WALL_TIME = 1_700_000_000.25


def logged(directory: Path) -> list[Any]:
    """Return the events of a directory without the ones that only open a file."""
    events = []
    for name in sorted(os.listdir(directory)):
        if "tfevents" in name:
            for event in LegacyEventFileLoader(str(directory / name)).Load():
                if event.HasField("summary") or event.HasField("session_log"):
                    events.append(event)
    return events


def peers_events(peer: Any, directory: Path, log: Callable[[Any], None], **options: Any) -> Any:
    writer = peer(str(directory), **options)
    log(writer)
    writer.close()
    return logged(directory)


def ours(packed: bytes) -> list[tuple[str, Any]]:
    return [(place, Event.FromString(data)) for place, data in encode(records.decode(packed))]


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("value", VALUES)
def test_a_scalar_is_theirs(peer: Any, value: float, tmp_path: Path) -> None:
    (theirs,) = peers_events(
        peer, tmp_path, lambda writer: writer.add_scalar("train/loss", value, 42, WALL_TIME)
    )
    packed = records.pack((records.SCALAR, "train/loss", 42, WALL_TIME, value))
    ((place, event),) = ours(packed)
    assert place == ""
    assert event.SerializeToString() == theirs.SerializeToString()


@pytest.mark.parametrize("peer", PEERS)
def test_a_scalar_without_a_step_is_theirs(peer: Any, tmp_path: Path) -> None:
    (theirs,) = peers_events(
        peer, tmp_path, lambda writer: writer.add_scalar("tag", 0.5, walltime=WALL_TIME)
    )
    ((_, event),) = ours(records.pack((records.SCALAR, "tag", None, WALL_TIME, 0.5)))
    assert event == theirs


def test_display_name_and_description_are_tensorboardxs(tmp_path: Path) -> None:
    (theirs,) = peers_events(
        tensorboardX.SummaryWriter,
        tmp_path,
        lambda writer: writer.add_scalar("tag", 0.5, 1, WALL_TIME, "Name", "Words"),
    )
    packed = records.encode(
        Kind.SCALAR, "tag", 1, WALL_TIME, 0.5, int(ScalarForm.SIMPLE), "Name", "Words"
    )
    ((_, event),) = ours(packed)
    assert event == theirs


@pytest.mark.parametrize(
    ("double", "form"), [(False, ScalarForm.FLOAT_TENSOR), (True, ScalarForm.DOUBLE_TENSOR)]
)
@pytest.mark.parametrize("value", [0.1, 1e300, float("inf")])
def test_a_new_style_scalar_is_torchs(
    double: bool, form: ScalarForm, value: float, tmp_path: Path
) -> None:
    (theirs,) = peers_events(
        torch_tensorboard.SummaryWriter,
        tmp_path,
        lambda writer: writer.add_scalar(
            "tag", value, 1, WALL_TIME, new_style=True, double_precision=double
        ),
    )
    ((_, event),) = ours(records.encode(Kind.SCALAR, "tag", 1, WALL_TIME, value, int(form), "", ""))
    assert event == theirs


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("markdown", ["# Title\n\nwörds", ""])
def test_a_text_is_theirs(peer: Any, markdown: str, tmp_path: Path) -> None:
    (theirs,) = peers_events(
        peer, tmp_path, lambda writer: writer.add_text("notes", markdown, 3, WALL_TIME)
    )
    ((place, event),) = ours(records.encode(Kind.TEXT, "notes", 3, WALL_TIME, markdown))
    assert place == ""
    assert event == theirs


def test_a_group_is_laid_out_as_tensorboardx_does(tmp_path: Path) -> None:
    values = {"a": 1.0, "deep/er": 2.0}
    writer = tensorboardX.SummaryWriter(str(tmp_path))
    writer.add_scalars("main/tag", values, 5, WALL_TIME)
    writer.close()
    pairs = ours(records.encode(Kind.SCALAR_GROUP, "main/tag", 5, WALL_TIME, values))
    assert [place for place, _ in pairs] == ["main/tag/a", "main/tag/deep/er"]
    for place, event in pairs:
        assert logged(tmp_path / place) == [event]


@pytest.mark.parametrize("peer", PEERS)
def test_a_session_start_is_theirs(peer: Any, tmp_path: Path) -> None:
    (theirs,) = peers_events(peer, tmp_path, lambda writer: None, purge_step=100)
    ((place, event),) = ours(records.encode(Kind.SESSION_START, "", 100, theirs.wall_time or 1.0))
    assert place == ""
    # The peers disagree about the wall time of this event, and one has none.
    theirs.wall_time = event.wall_time
    assert event == theirs
