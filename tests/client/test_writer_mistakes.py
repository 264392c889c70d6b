"""A caller's mistake is raised at once, with the peers' exception, and nothing of it is logged."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.utils.tensorboard

from tbxd_client import DirectoryError, SummaryWriter
from tbxd_wire.errors import ConfigError

from .leftovers import Logged, read_all
from .programs import run_program

pytestmark = pytest.mark.usefixtures("runtime_directory")


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


@pytest.mark.parametrize("argument", ["role", "filename_suffix"])
@pytest.mark.parametrize("value", [5, 0])
def test_names_that_are_no_text(run: str, argument: str, value: int) -> None:
    options: dict[str, Any] = {argument: value}
    with pytest.raises(TypeError, match=f"{argument} must be a str, not int"):
        SummaryWriter(run, **options)
    assert not os.path.exists(run)


@pytest.mark.parametrize("timeout_s", [-1, -0.5, float("-inf"), float("nan")])
def test_times_that_nobody_can_wait(writer: SummaryWriter, timeout_s: float) -> None:
    writer.add_scalar("tag", 0.5, 1)
    for wait in (writer.flush, writer.close, writer.file_writer.flush, writer.file_writer.close):
        with pytest.raises(ValueError, match="timeout_s must be seconds from 0 on, not "):
            wait(timeout_s)
    writer.close(0)


def test_other_mistakes_of_the_constructor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        SummaryWriter(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        SummaryWriter(tmp_path / "file" / "run")
    with pytest.raises(ValueError, match="purge_step must be an integer, not 'one'"):
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


def test_what_python_leaves_out_when_it_optimizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No refusal of an argument is an assertion that ``python -O`` takes away."""
    program = """
    import numpy
    from tbxd_client import SummaryWriter
    writer = SummaryWriter("nowhere", write_to_disk=False)
    pair, pictures = numpy.zeros((2, 2)), numpy.zeros((2, 3, 4, 4))
    class Tensor:
        shape = (2,)
    calls = [
        lambda: writer.add_scalar("tag", numpy.zeros(2)),
        lambda: writer.add_scalar("tag", Tensor()),
        lambda: writer.add_audio("tag", numpy.zeros((3, 3))),
        lambda: writer.add_embedding(numpy.zeros(3)),
        lambda: writer.add_embedding(pair, metadata=["a"]),
        lambda: writer.add_embedding(pair, metadata=["ab", "c"], metadata_header=["x", "y"]),
        lambda: writer.add_embedding(pair, label_img=pictures[:1]),
        lambda: writer.add_embedding(pair, label_img=pictures[:, :2]),
        lambda: writer.add_embedding(pair, label_img=numpy.zeros((2, 1, 9000, 1))),
        lambda: writer.add_custom_scalars_marginchart(["one"]),
        lambda: writer.use_metadata().__enter__(),
    ]
    nested = lambda: writer.use_metadata(global_step=2).__enter__()
    with writer.use_metadata(global_step=1):
        for number, call in enumerate([*calls, nested]):
            try:
                call()
            except AssertionError as error:
                if str(error):
                    continue
            print("taken:", number)
    """
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    assert run_program(program) == ""
