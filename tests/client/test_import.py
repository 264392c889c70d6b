"""What importing the client costs, and what it must not bring along."""

from __future__ import annotations

from pathlib import Path

import pytest

from .programs import run_program

BUDGET_S = 0.060
"""Beyond numpy, which a training process has anyway."""


def test_no_heavy_module_is_imported() -> None:
    program = """
    import sys
    import tbxd_client
    names = {name.partition(".")[0] for name in sys.modules}
    heavy = {"torch", "tensorboard", "tensorboardX", "tensorflow", "google", "tbxd", "asyncio",
             "multiprocessing", "subprocess", "click", "rich", "matplotlib", "PIL", "pandas",
             "onnx"}
    print(sorted(heavy & names))
    """
    assert run_program(program) == "[]\n"


def test_nothing_happens_on_import() -> None:
    """No thread, no file, no socket: a process that only imports costs nothing."""
    program = """
    import os, sys, threading
    import numpy
    before = set(os.listdir("/proc/self/fd"))
    threads = len(os.listdir("/proc/self/task"))
    import tbxd_client
    assert set(os.listdir("/proc/self/fd")) == before
    assert len(os.listdir("/proc/self/task")) == threads
    assert threading.active_count() == 1
    """
    run_program(program)


def test_import_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The best of some, for the machine may be busy with something else.

    Measured is what every import but the first costs: with compiled modules, wherever they may lie.
    """
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))
    program = """
    import time
    import numpy
    started = time.perf_counter()
    import tbxd_client
    print(time.perf_counter() - started)
    """
    run_program(program)
    best = min(float(run_program(program)) for _ in range(5))
    assert best <= BUDGET_S
