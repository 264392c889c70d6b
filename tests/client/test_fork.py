"""Children: each is an author of its own, and none disturbs its parent or waits for it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from .leftovers import read_all
from .programs import run_program


def steps_by_role(directory: str) -> dict[str, list[int]]:
    """Return the steps that lie in the journals, by author."""
    found: dict[str, list[int]] = {}
    for leftover in read_all(directory):
        found.setdefault(leftover.hello.role, []).extend(each[2] for each in leftover.records)
    return found


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing(tmp_path: Path, runtime_directory: str, method: str) -> None:
    command = [sys.executable, "-m", "tests.client.families", method, str(tmp_path / "run")]
    subprocess.run(command, check=True, timeout=60)
    assert steps_by_role(runtime_directory) == {
        "": [1, 2, 3],
        "a": [1, 2],
        "b_c": [1, 2],
        "d": [1, 2],
        "grandchild": [1, 2],
    }
    sessions = Counter(leftover.hello.session for leftover in read_all(runtime_directory))
    assert set(sessions.values()) == {1}
    ended = {each.hello.role: each.ended for each in read_all(runtime_directory)}
    assert ended["b_c"], "it was closed"
    assert not ended[""], "its parent is none the worse for it"


@pytest.mark.parametrize("before", ["os", "multiprocessing"])
@pytest.mark.parametrize("after", ["os", "multiprocessing"])
def test_a_bare_fork(tmp_path: Path, runtime_directory: str, before: str, after: str) -> None:
    """Whether and when multiprocessing is imported makes no difference."""
    program = """
    import os, sys, importlib
    importlib.import_module(sys.argv[2])
    from tbxd_client import SummaryWriter
    writer = SummaryWriter(sys.argv[1])
    writer.add_scalar("tag", 0.5, 1)
    child = os.fork()
    if child == 0:
        importlib.import_module(sys.argv[3])
        writer.add_scalar("tag", 0.5, 2)
        assert writer.stats()["records"] == 1
        os._exit(0)
    os.waitpid(child, 0)
    writer.add_scalar("tag", 0.5, 3)
    assert writer.stats()["records"] == 2
    print(child, flush=True)
    os._exit(0)
    """
    child = run_program(program, str(tmp_path / "run"), before, after).strip()
    assert steps_by_role(runtime_directory) == {"": [1, 3], f"fork{child}": [2]}


def test_a_child_of_a_writer_that_has_not_logged_yet(
    tmp_path: Path, runtime_directory: str
) -> None:
    program = """
    import os, sys
    from tbxd_client import SummaryWriter
    writer = SummaryWriter(sys.argv[1], role="critic", purge_step=7)
    child = os.fork()
    writer.add_scalar("tag", 0.5, 8 if child else 9)
    if child:
        os.waitpid(child, 0)
        print(child, flush=True)
    os._exit(0)
    """
    child = run_program(program, str(tmp_path / "run")).strip()
    # The restart is said by the one it was given to.
    assert steps_by_role(runtime_directory) == {"critic": [7, 8], f"critic/fork{child}": [9]}


def test_forks_beside_threads_that_log(tmp_path: Path, runtime_directory: str) -> None:
    """At any instant another thread may hold any lock: no child may ever wait for one."""
    program = """
    import logging, os, signal, sys, threading
    from tbxd_client import SummaryWriter
    logging.disable()
    sys.setswitchinterval(1e-5)
    writer = SummaryWriter(sys.argv[1])
    other = SummaryWriter(sys.argv[1], role="other")
    done = threading.Event()
    counts = [0, 0]
    def log():
        while not done.is_set():
            counts[0] += 1
            writer.add_scalar("tag", 0.5, counts[0])
    def open_and_close():
        while not done.is_set():
            counts[1] += 1
            other.add_scalar("tag", 0.5, counts[1])
            other.close(0.0)
    threads = [threading.Thread(target=log), threading.Thread(target=open_and_close)]
    for thread in threads:
        thread.start()
    children = []
    for number in range(40):
        child = os.fork()
        if child == 0:
            # A child that hangs is killed by this and seen by its status.
            signal.alarm(20)
            writer.add_scalar("tag", 0.5, number)
            writer.log({"tag": 0.5}, 1000)
            writer.stats()
            other.add_scalar("tag", 0.5, number)
            writer.close(0.0)
            os._exit(0)
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    done.set()
    for thread in threads:
        thread.join()
    assert statuses == [0] * 40, statuses
    print(*children, counts[0], counts[1], flush=True)
    os._exit(0)
    """
    *children, logged, closed = run_program(program, str(tmp_path / "run")).split()
    found = steps_by_role(runtime_directory)
    assert found.pop("") == list(range(1, int(logged) + 1))
    assert sorted(found.pop("other")) == list(range(1, int(closed) + 1))
    for number, child in enumerate(children):
        assert found.pop(f"fork{child}") == [number, 1000]
        assert found.pop(f"other/fork{child}") == [number]
    assert found == {}


def test_a_child_does_not_keep_its_parent_s_journal(tmp_path: Path, runtime_directory: str) -> None:
    """When a trainer dies its children may live on; its records must not wait for them."""
    program = """
    import os, sys, time
    from tbxd_client import SummaryWriter
    from tbxd_wire import locks, places
    writer = SummaryWriter(sys.argv[1])
    writer.add_scalar("tag", 0.5, 1)
    reading, writing = os.pipe()
    trainer = os.getpid()
    if os.fork() == 0:
        os.close(writing)
        os.read(reading, 1)
        directory = os.environ["TBXD_DIR"]
        (name,) = os.listdir(directory)
        descriptor = os.open(os.path.join(directory, name), os.O_RDWR)
        print(locks.is_held(descriptor), flush=True)
        os._exit(0)
    # The pipe breaks when this process is gone.
    os._exit(0)
    """
    # run_program waits until the child, too, has closed its standard output.
    assert run_program(program, str(tmp_path / "run")) == "False\n"
