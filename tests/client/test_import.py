"""What importing the client costs, and what it must not bring along."""

from __future__ import annotations

from pathlib import Path

import pytest

from tbxd_wire import places

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


@pytest.mark.parametrize("autostart", ["0", "1"])
def test_no_thread_but_the_callers_imports(
    runtime_directory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autostart: str
) -> None:
    """A child that is forked in the midst of an import would wait for it for ever.

    Also not to warn, which it does here where no daemon may be started, and not to start one.
    """
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, autostart)
    program = f"""
    import sys, threading
    import numpy
    import tbxd_client

    found = []

    class Finder:
        def find_spec(self, name, path, target=None):
            if threading.current_thread() is not threading.main_thread():
                found.append(name)

    assert not {{"logging", "subprocess"}} & sys.modules.keys()
    sys.meta_path.insert(0, Finder())
    writer = tbxd_client.SummaryWriter({str(tmp_path / "run")!r})
    writer.add_scalar("loss", 0.0, 0)
    try:
        writer.flush(10.0 if {autostart} else 0.5)
    except TimeoutError:
        assert not {autostart}
    writer.add_histogram("weights", numpy.arange(100_000), 0)
    writer.close(timeout_s=10.0 if {autostart} else 0.5)
    assert not found, found
    """
    run_program(program)
