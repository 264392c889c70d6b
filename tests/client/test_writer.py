"""SummaryWriter without a daemon: what each call puts into the journal, and what it refuses."""

from __future__ import annotations

import copy
import inspect
import logging
import math
import os
import pickle
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorboardX
import torch
import torch.utils.tensorboard

from tbxd_client import DirectoryError, FlushTimeout, SummaryWriter
from tbxd_wire.errors import ConfigError
from tbxd_wire.kinds import Kind, ScalarForm
from tbxd_wire.limits import STEP_MAX
from tbxd_wire.records import Record

from .leftovers import read_all

pytestmark = pytest.mark.usefixtures("runtime_directory")


@pytest.fixture
def run(tmp_path: Path) -> str:
    return str(tmp_path / "run")


@pytest.fixture
def writer(run: str) -> SummaryWriter:
    return SummaryWriter(run)


@pytest.fixture
def logged(runtime_directory: str) -> Callable[[], list[Record]]:
    """Return a function that returns all records of this test that lie in journals."""

    def read() -> list[Record]:
        return [record for each in read_all(runtime_directory) for record in each.records]

    return read


Logged = Callable[[], list[Record]]


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
    writer.add_text("tag", "text", 1, "2")
    walls = [record[3] for record in logged()]
    assert walls == [2.0] * 4
    assert all(type(each) is float for each in walls)


@pytest.mark.parametrize(
    ("options", "form"),
    [
        ({"display_name": "Loss"}, ScalarForm.SIMPLE),
        ({"summary_description": "*text*"}, ScalarForm.SIMPLE),
        ({"new_style": True}, ScalarForm.FLOAT_TENSOR),
        ({"double_precision": True}, ScalarForm.DOUBLE_TENSOR),
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


# -- mistakes: raised at once, and nothing of the call is logged

BAD_CALLS: dict[str, tuple[Callable[[SummaryWriter], None], type[Exception]]] = {
    "tag": (lambda w: w.add_scalar(1, 0.5), TypeError),  # type: ignore[arg-type]
    "tag of surrogates": (lambda w: w.add_scalar("\ud800", 0.5), ValueError),
    "value": (lambda w: w.add_scalar("tag", None), NotImplementedError),
    "shape": (lambda w: w.add_scalar("tag", torch.zeros(2)), AssertionError),
    "step": (lambda w: w.add_scalar("tag", 0.5, 1 << 63), ValueError),
    "step of words": (lambda w: w.add_scalar("tag", 0.5, "one"), ValueError),
    "step of a list": (lambda w: w.add_scalar("tag", 0.5, [1]), TypeError),
    "NaN time": (lambda w: w.add_scalar("tag", 0.5, 1, math.nan), ValueError),
    "infinite time": (lambda w: w.add_scalar("tag", 0.5, 1, math.inf), ValueError),
    "time": (lambda w: w.add_scalar("tag", 0.5, 1, object()), TypeError),
    "display name": (
        lambda w: w.add_scalar("tag", 0.5, display_name=1),  # type: ignore[arg-type]
        TypeError,
    ),
    "group tag": (lambda w: w.add_scalars(None, {"a": 1}), TypeError),  # type: ignore[arg-type]
    "group of no mapping": (
        lambda w: w.add_scalars("tag", [("a", 1)]),  # type: ignore[arg-type]
        TypeError,
    ),
    "group key": (lambda w: w.add_scalars("tag", {1: 1}), TypeError),  # type: ignore[dict-item]
    "group value": (lambda w: w.add_scalars("tag", {"a": 1, "b": None}), NotImplementedError),
    "group step": (lambda w: w.add_scalars("tag", {"a": 1}, "one"), ValueError),
    "group time": (lambda w: w.add_scalars("tag", {"a": 1}, 1, math.nan), ValueError),
    "log of no mapping": (lambda w: w.log([("a", 1)]), TypeError),  # type: ignore[arg-type]
    "log key": (lambda w: w.log({None: 1}), TypeError),  # type: ignore[dict-item]
    "log value": (lambda w: w.log({"a": 1, "b": "x"}), TypeError),
    "log of surrogates": (lambda w: w.log({"\ud800": 1}), ValueError),
    "log step": (lambda w: w.log({"a": 1}, 1 << 63), ValueError),
    "log time": (lambda w: w.log({"a": 1}, 1, math.inf), ValueError),
    "text": (lambda w: w.add_text("tag", 1), AttributeError),  # type: ignore[arg-type]
    "text of bytes": (lambda w: w.add_text("tag", b"x"), AttributeError),  # type: ignore[arg-type]
    "text of surrogates": (lambda w: w.add_text("tag", "\ud800"), ValueError),
    "text tag": (lambda w: w.add_text(1, "x"), TypeError),  # type: ignore[arg-type]
    "text step": (lambda w: w.add_text("tag", "x", "one"), ValueError),
    "text time": (lambda w: w.add_text("tag", "x", 1, math.nan), ValueError),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_mistake_is_raised_and_nothing_is_logged(
    run: str, logged: Logged, name: str, runtime_directory: str
) -> None:
    call, error = BAD_CALLS[name]
    writer = SummaryWriter(run)
    with pytest.raises(error):
        call(writer)
    assert read_all(runtime_directory) == []
    writer.add_scalar("after", 0.5, 1)
    with pytest.raises(error):
        call(writer)
    assert [record[1] for record in logged()] == ["after"]


@pytest.mark.parametrize(
    ("main_tag", "key"),
    [
        ("..", "a"),
        ("a", ".."),
        ("a/..", "b"),
        ("a", "../../b"),
        ("/a", "b"),
        ("a", "/b"),
        ("", "a"),
        ("a", ""),
        ("a/", "b"),
        (".", "a"),
        ("a\0", "b"),
        ("a", "\ud800"),
        ("a", "x" * 256),
    ],
)
def test_add_scalars_never_leads_out_of_the_run(
    writer: SummaryWriter, logged: Logged, main_tag: str, key: str
) -> None:
    with pytest.raises(ValueError, match="the path"):
        writer.add_scalars(main_tag, {"good": 1.0, key: 1.0})
    assert logged() == []


@pytest.mark.parametrize("argument", ["role", "filename_suffix"])
@pytest.mark.parametrize("value", ["../a", "/a", "a\0", "\ud800"])
def test_names_that_lead_out_of_the_run(run: str, argument: str, value: str) -> None:
    options: dict[str, Any] = {argument: value}
    with pytest.raises(ValueError, match=r"the path|the file suffix"):
        SummaryWriter(run, **options)
    assert not os.path.exists(run)


def test_other_mistakes_of_the_constructor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        SummaryWriter(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        SummaryWriter(tmp_path / "file" / "run")
    with pytest.raises(ValueError, match="invalid literal"):
        SummaryWriter(tmp_path / "run", purge_step="one")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        SummaryWriter(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="surrogates not allowed"):
        SummaryWriter(os.fsencode(tmp_path) + b"/\xff")  # type: ignore[arg-type]
    monkeypatch.setenv("TBXD_DIR", str(tmp_path))
    tmp_path.chmod(0o755)
    with pytest.raises(DirectoryError, match="closed to others"):
        SummaryWriter(tmp_path / "run")
    monkeypatch.setenv("TBXD_DIR", str(tmp_path / "tbxd"))
    monkeypatch.setenv("TBXD_JOURNAL_LIMIT", "much")
    with pytest.raises(ConfigError, match="TBXD_JOURNAL_LIMIT"):
        SummaryWriter(tmp_path / "run")


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


# -- barriers, without anybody who could commit


def test_flush_without_a_daemon(writer: SummaryWriter, caplog: pytest.LogCaptureFixture) -> None:
    writer.flush(0.0)
    writer.add_scalar("tag", 0.5, 1)
    started = time.monotonic()
    with pytest.raises(FlushTimeout, match="stay in the journal") as caught:
        writer.flush(0.2)
    assert 0.2 <= time.monotonic() - started < 2.0
    assert caught.value.timeout_s == 0.2
    assert caught.value.pending_bytes == writer.stats()["pending_bytes"] > 0
    assert isinstance(caught.value, TimeoutError)


def test_close_without_a_daemon(
    writer: SummaryWriter,
    runtime_directory: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer.add_scalar("tag", 0.5, 1)
    started = time.monotonic()
    writer.close(0.2)
    assert time.monotonic() - started < 2.0
    (leftover,) = read_all(runtime_directory)
    assert leftover.ended
    assert [record[2] for record in leftover.records] == [1]
    (warning,) = [each for each in caplog.records if "closed with" in each.message]
    assert warning.levelno == logging.WARNING
    assert f"{leftover.tail} bytes" in warning.message
    writer.close(0.2)
    assert len([each for each in caplog.records if "closed with" in each.message]) == 1


def test_close_without_a_record_leaves_no_trace(run: str, runtime_directory: str) -> None:
    with SummaryWriter(run) as writer:
        pass
    writer.close()
    assert os.listdir(runtime_directory) == []
    assert os.listdir(run) == []


def test_use_after_close(writer: SummaryWriter, logged: Logged, runtime_directory: str) -> None:
    for step in range(3):
        writer.add_scalar("tag", 0.5, step)
        writer.close(0.0)
    assert [record[2] for record in logged()] == [0, 1, 2]
    leftovers = read_all(runtime_directory)
    assert len(leftovers) == 3
    assert all(leftover.ended for leftover in leftovers)


def test_the_context_manager_closes(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[SummaryWriter] = []
    monkeypatch.setattr(SummaryWriter, "close", lambda self: closed.append(self))
    with pytest.raises(KeyError), SummaryWriter(run) as writer:
        raise KeyError
    assert closed == [writer]


def test_stats(writer: SummaryWriter, run: str) -> None:
    nothing = writer.stats()
    assert nothing == {
        "run": run,
        "role": "",
        "records": 0,
        "bytes": 0,
        "committed_bytes": 0,
        "pending_bytes": 0,
        "shed": 0,
        "connected": False,
        "trouble": "",
    }
    for step in range(3):
        writer.add_scalar("tag", 0.5, step)
    found = writer.stats()
    assert set(found) == set(nothing)
    assert found["records"] == 3
    assert found["bytes"] == found["pending_bytes"] > 0
    assert not found["connected"]


# -- nothing but the caller's own mistakes ever raises


def test_a_full_journal_is_counted_and_said_once(
    run: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, logged: Logged
) -> None:
    monkeypatch.setenv("TBXD_JOURNAL_LIMIT", "100 KiB")
    writer = SummaryWriter(run)
    for step in range(5000):
        writer.add_scalar("tag", 0.5, step)
    found = writer.stats()
    assert found["records"] + found["shed"] == 5000
    assert found["shed"] > 1000
    assert [record[2] for record in logged()] == list(range(found["records"]))
    warnings = [each for each in caplog.records if "was not logged" in each.message]
    assert len(warnings) == 1
    assert "journal is full" in warnings[0].message
    # What was shed is not forgotten by a close.
    writer.close(0.0)
    assert writer.stats()["shed"] == found["shed"]


def test_a_journal_that_cannot_be_opened(
    run: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TBXD_JOURNAL_LIMIT", "1 KiB")
    writer = SummaryWriter(run)
    for step in range(3):
        writer.add_scalar("tag", 0.5, step)
        writer.log({"tag": 0.5}, step)
    assert writer.stats()["shed"] == 6
    (warning,) = [each for each in caplog.records if "was not logged" in each.message]
    assert "could not be opened" in warning.message
    writer.flush(0.0)
    writer.close(0.0)


def test_a_runtime_directory_that_goes_away(writer: SummaryWriter, runtime_directory: str) -> None:
    os.rmdir(runtime_directory)
    writer.add_scalar("tag", 0.5, 1)
    assert writer.stats()["shed"] == 1
    os.mkdir(runtime_directory, 0o700)
    writer.add_scalar("tag", 0.5, 2)
    assert writer.stats()["records"] == 1


@pytest.mark.parametrize("closers", [1, 2])
def test_one_thread_closes_while_others_log(
    run: str, logged: Logged, closers: int, runtime_directory: str
) -> None:
    """Every record belongs to one session or the next; none falls between two."""
    writer = SummaryWriter(run)
    done = threading.Event()
    counts = [0, 0]

    def close() -> None:
        while not done.is_set():
            writer.close(0.0)

    def log(author: int) -> None:
        while counts[author] < 1000 or len(os.listdir(runtime_directory)) < 40:
            writer.add_scalar(str(author), 0.5, counts[author])
            counts[author] += 1

    closing = [threading.Thread(target=close) for _ in range(closers)]
    authors = [threading.Thread(target=log, args=(author,)) for author in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    logging.disable()
    try:
        for thread in (*closing, *authors):
            thread.start()
        for thread in authors:
            thread.join(60)
        done.set()
        for thread in closing:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
        logging.disable(logging.NOTSET)
    assert writer.stats()["shed"] == 0
    found = logged()
    for author in range(2):
        steps = [record[2] for record in found if record[1] == str(author)]
        assert sorted(steps) == list(range(counts[author]))
