"""The training as others see it: its facts, and a loader that ends without having been killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tbxd_client import SummaryWriter
from tbxd_client.demo import digits
from tbxd_client.demo.loader import Loader
from tbxd_client.demo.training import Places, Training

pytestmark = [
    pytest.mark.usefixtures("runtime_directory", "autostart"),
    # From Python 3.12 on every fork beside a thread is warned of; that it works is what is tested.
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]


def test_its_facts(tmp_path: Path) -> None:
    facts: list[dict[str, Any]] = []
    Training(Places(str(tmp_path / "run"), str(tmp_path)), 40, facts.append).run()
    said = [fact["say"] for fact in facts]
    assert said == ["process"] * 3 + ["step"] * 2 + ["killed", "process", "step"] + ["ended"] * 3
    roles = [fact["role"] for fact in facts if fact["say"] == "process"]
    assert roles == ["", "loader0", "loader1", "loader2"]
    ended = {fact["role"]: fact["exit_code"] for fact in facts if fact["say"] == "ended"}
    assert ended == {"loader0": 0, "loader1": -signal.SIGKILL, "loader2": 0}
    assert facts[0]["pid"] == os.getpid()
    assert [(fact["step"], fact["steps"]) for fact in facts if fact["say"] == "step"] == [
        (1, 40), (21, 40), (40, 40),
    ]  # fmt: skip


def test_a_loader_that_was_killed_ends_its_batches(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "run") as writer:
        path = str(tmp_path / "book.npy")
        loader = Loader("loader", "spawn", writer, path, 5, range(1, 1000, 2), 4)
        batches = loader.batches()
        first = next(batches)
        assert first.labels.tolist() == digits.draw(5, 1, 4).labels.tolist()
        loader.kill_while_logging()
        assert len(list(batches)) < 499
        assert loader.end() == -signal.SIGKILL


def test_a_loader_that_ends_by_itself_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> digits.Batch:
        os._exit(3)

    # The forked loader inherits this.
    monkeypatch.setattr("tbxd_client.demo.loader.digits.draw", fail)
    monkeypatch.setattr("tbxd_client.demo.training.digits.draw", lambda *_: None)
    training = Training(Places(str(tmp_path / "run"), str(tmp_path)), 40, lambda _: None)
    with pytest.raises(RuntimeError, match="before its last batch"):
        training.run()


def test_too_few_steps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not 3"):
        Training(Places(str(tmp_path / "run"), str(tmp_path)), 3, lambda _: None)
