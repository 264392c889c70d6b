"""SummaryWriter without a daemon: what each call puts into the journal, and where it belongs."""

from __future__ import annotations

import copy
import inspect
import math
import os
import pickle
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorboardX
import torch
import torch.utils.tensorboard

from tbxd_client import SummaryWriter
from tbxd_wire.kinds import Kind, ScalarForm
from tbxd_wire.limits import STEP_MAX

from .leftovers import Logged, read_all

pytestmark = pytest.mark.usefixtures("runtime_directory")


# -- what is logged


def test_add_scalar(writer: SummaryWriter, logged: Logged) -> None:
    before = time.time()
    writer.add_scalar("train/loss", 0.5, 7)
    ((kind, tag, step, wall_time, value),) = logged()
    assert (kind, tag, step, value) == (Kind.SCALAR, "train/loss", 7, 0.5)
    assert before <= wall_time <= time.time()


@pytest.mark.parametrize("step", [None, 7, -7, 7.9, "7", torch.tensor(7), STEP_MAX, True])
def test_steps(writer: SummaryWriter, logged: Logged, step: Any) -> None:
    writer.add_scalar("tag", 0.5, step)
    writer.log({"tag": 0.5}, step)
    writer.add_text("tag", "text", step)
    writer.add_scalars("tag", {"a": 0.5}, step)
    expected = None if step is None else int(step)
    assert [record[2] for record in logged()] == [expected] * 4


def test_wall_times(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_scalar("tag", 0.5, 1, 2)
    writer.add_scalars("tag", {"a": 0.5}, 1, 2.0)
    writer.log({"tag": 0.5}, 1, torch.tensor(2.0))
    writer.add_text("tag", "text", 1, 2)
    walls = [record[3] for record in logged()]
    assert walls == [2.0] * 4
    assert all(type(each) is float for each in walls)


@pytest.mark.parametrize(
    ("options", "form"),
    [
        ({"display_name": "Loss"}, ScalarForm.SIMPLE),
        ({"summary_description": "*text*"}, ScalarForm.SIMPLE),
        ({"new_style": True}, ScalarForm.FLOAT_TENSOR),
        # As in torch: alone it says nothing.
        ({"double_precision": True, "display_name": "name"}, ScalarForm.SIMPLE),
        ({"double_precision": True, "new_style": True}, ScalarForm.DOUBLE_TENSOR),
    ],
)
def test_forms(
    writer: SummaryWriter, logged: Logged, options: dict[str, Any], form: ScalarForm
) -> None:
    writer.add_scalar("tag", 0.5, 1, 2.0, **options)
    name = options.get("display_name", "")
    description = options.get("summary_description", "")
    assert logged() == [[Kind.SCALAR, "tag", 1, 2.0, 0.5, int(form), name, description]]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_logged(
    writer: SummaryWriter, logged: Logged, value: float
) -> None:
    writer.add_scalar("tag", value, 1)
    writer.log({"tag": value}, 1)
    first, second = logged()
    assert repr(first[4]) == repr(value) == repr(second[4]["tag"])


def test_add_scalars(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_scalars("loss", {"train": 1, "eval/a": torch.tensor(2.0)}, 3, 4.0)
    assert logged() == [[Kind.SCALAR_GROUP, "loss", 3, 4.0, {"train": 1.0, "eval/a": 2.0}]]


def test_log(writer: SummaryWriter, logged: Logged) -> None:
    writer.log({"a": 1, "../b": 2.0}, 3, 4.0)
    assert logged() == [[Kind.SCALARS, "", 3, 4.0, {"a": 1.0, "../b": 2.0}]]


def test_add_text(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_text("notes", "# Überschrift", 3, 4.0)
    assert logged() == [[Kind.TEXT, "notes", 3, 4.0, "# Überschrift"]]


def test_purge_step_comes_first_and_once(run: str, logged: Logged) -> None:
    writer = SummaryWriter(run, purge_step=100)
    assert logged() == []
    writer.add_scalar("tag", 0.5, 100)
    writer.close(0.0)
    writer.add_scalar("tag", 0.5, 101)
    assert [(record[0], record[2]) for record in logged()] == [
        (Kind.SESSION_START, 100),
        (Kind.SCALAR, 100),
        (Kind.SCALAR, 101),
    ]


# -- the run directory


def test_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for given in ("a", Path("b"), b"c"):
        writer = SummaryWriter(given)  # type: ignore[arg-type]
        assert writer.get_logdir() == writer.logdir == writer.log_dir == os.fsdecode(given)
        assert writer.stats()["run"] == str(tmp_path / os.fsdecode(given))
        assert os.path.isdir(os.fsdecode(given))
    assert SummaryWriter(log_dir="d").logdir == "d"
    assert SummaryWriter("e", log_dir="f", comment="ignored").logdir == "e"
    assert sorted(os.listdir()) == ["a", "b", "c", "d", "e"]


def test_a_relative_directory_is_that_of_the_constructor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime_directory: str
) -> None:
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter("run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    writer.add_scalar("tag", 0.5)
    (leftover,) = read_all(runtime_directory)
    assert leftover.hello.run == str(tmp_path / "run")
    assert os.listdir() == []


def test_an_absolute_directory_needs_no_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert SummaryWriter(str(tmp_path / "run")).stats()["run"] == str(tmp_path / "run")


def test_the_default_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter(comment="-mine")
    (name,) = os.listdir("runs")
    assert writer.logdir == os.path.join("runs", name)
    day, clock, rest = name.split("_", 2)
    time.strptime(f"2000{day}_{clock}", "%Y%b%d_%H-%M-%S")
    assert rest == f"{socket.gethostname()}-mine"


def test_the_hello_says_who_logs_where(run: str, runtime_directory: str) -> None:
    writer = SummaryWriter(run, filename_suffix=".mine", role="critic/2")
    writer.add_scalar("tag", 0.5)
    (leftover,) = read_all(runtime_directory)
    hello = leftover.hello
    assert (hello.run, hello.role, hello.suffix) == (run, "critic/2", ".mine")
    assert (hello.pid, hello.position, hello.known) == (os.getpid(), 0, False)
    assert abs(hello.started - time.time()) < 60
    assert not leftover.ended


# -- the same calls as the peers


@pytest.mark.parametrize(
    "peer", [tensorboardX.SummaryWriter, torch.utils.tensorboard.SummaryWriter]
)
def test_the_constructor_takes_what_a_peer_takes(peer: type) -> None:
    theirs = [name for name in inspect.signature(peer).parameters if name != "kwargs"]
    ours = inspect.signature(SummaryWriter).parameters
    # The mirror of another service is none of this one's business.
    assert set(theirs) - {"comet_config"} <= set(ours)


@pytest.mark.parametrize("name", ["add_scalar", "add_scalars", "add_text"])
def test_calls_take_what_tensorboardx_takes_in_its_order(name: str) -> None:
    theirs = list(inspect.signature(getattr(tensorboardX.SummaryWriter, name)).parameters)
    ours = list(inspect.signature(getattr(SummaryWriter, name)).parameters)
    assert ours[: len(theirs)] == theirs


@pytest.mark.parametrize("name", ["add_scalar", "add_scalars", "add_text"])
def test_calls_take_the_names_that_torch_takes(name: str) -> None:
    theirs = inspect.signature(getattr(torch.utils.tensorboard.SummaryWriter, name)).parameters
    assert set(theirs) <= set(inspect.signature(getattr(SummaryWriter, name)).parameters)


# -- use_metadata


def test_use_metadata(writer: SummaryWriter, logged: Logged) -> None:
    with writer.use_metadata(global_step=5, walltime=6.0) as same:
        assert same is writer
        writer.add_scalar("tag", 0.5)
        writer.add_scalars("tag", {"a": 0.5})
        writer.log({"tag": 0.5})
        writer.add_text("tag", "text")
        writer.add_scalar("tag", 0.5, 7, 8.0)
    assert [record[2:4] for record in logged()] == [[5, 6.0]] * 4 + [[7, 8.0]]
    writer.add_scalar("tag", 0.5)
    assert logged()[-1][2] is None
    assert logged()[-1][3] > 8.0


def test_use_metadata_of_one_alone(writer: SummaryWriter, logged: Logged) -> None:
    with writer.use_metadata(global_step=torch.tensor(5)):
        writer.add_scalar("tag", 0.5)
    with writer.use_metadata(walltime=6):
        writer.add_scalar("tag", 0.5)
    first, second = logged()
    assert first[2] == 5
    assert first[3] > 6.0
    assert second[2:4] == [None, 6.0]


def test_use_metadata_ends_with_its_block_however_it_ends(
    writer: SummaryWriter, logged: Logged
) -> None:
    """tensorboardX keeps the defaults for ever when the body raises."""
    with pytest.raises(KeyError), writer.use_metadata(global_step=5):
        raise KeyError
    writer.add_scalar("tag", 0.5)
    with writer.use_metadata(global_step=6):
        writer.add_scalar("tag", 0.5)
    assert [record[2] for record in logged()] == [None, 6]


def test_use_metadata_with_nothing_or_nested(writer: SummaryWriter, logged: Logged) -> None:
    with pytest.raises(AssertionError), writer.use_metadata():
        pass
    with writer.use_metadata(global_step=0):
        with pytest.raises(AssertionError, match="nested"), writer.use_metadata(walltime=1.0):
            pass
        writer.add_scalar("tag", 0.5)
    with pytest.raises(ValueError, match="finite"), writer.use_metadata(walltime=math.nan):
        pass
    writer.add_scalar("tag", 0.5)
    assert [record[2] for record in logged()] == [0, None]


# -- copies


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))]
)
def test_a_copy_logs_into_the_same_run(
    writer: SummaryWriter,
    logged: Logged,
    copied: Callable[[SummaryWriter], SummaryWriter],
    runtime_directory: str,
) -> None:
    writer.add_scalar("tag", 0.5, 1)
    other = copied(writer)
    writer.add_scalar("tag", 0.5, 2)
    other.add_scalar("tag", 0.5, 3)
    writer.add_scalar("tag", 0.5, 4)
    assert sorted(record[2] for record in logged()) == [1, 2, 3, 4]
    places = {(each.hello.run, each.hello.role) for each in read_all(runtime_directory)}
    assert places == {(writer.stats()["run"], "")}


def test_a_copy_keeps_the_settings(run: str) -> None:
    writer = SummaryWriter(run, filename_suffix=".a", role="critic", max_queue=3, flush_secs=4)
    other = pickle.loads(pickle.dumps(writer))
    assert (other.logdir, other.max_queue, other.flush_secs) == (run, 3, 4)
    assert other.stats()["role"] == "critic"


# -- nothing to disk


def test_write_to_disk_false_writes_nothing_anywhere(
    run: str, runtime_directory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TBXD_DIR", str(tmp_path / "tbxd"))
    threads = threading.active_count()
    for writer in (SummaryWriter(run, write_to_disk=False), SummaryWriter(write_to_disk=False)):
        with writer, writer.use_metadata(global_step=1):
            writer.add_scalar("tag", 0.5)
            writer.add_scalars("tag", {"a": 0.5})
            writer.log({"tag": 0.5})
            writer.add_text("tag", "text")
            with pytest.raises(NotImplementedError):
                writer.add_scalar("tag", None)
            pickle.loads(pickle.dumps(writer)).add_scalar("tag", 0.5)
            writer.flush()
        writer.add_scalar("tag", 0.5)
        assert writer.stats()["records"] == 0
    assert os.listdir(tmp_path) == []
    assert os.listdir(runtime_directory) == []
    assert threading.active_count() == threads
