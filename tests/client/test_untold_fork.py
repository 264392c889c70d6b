"""Forks that foreign code makes and does not tell Python of: the parent is left alone all the same.

The child is found out when it first touches anything of this package. It cannot be more than the
interpreter is there: beside threads that are gone it starts none.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .leftovers import read_all
from .programs import run_program
from .test_fork import steps_by_role

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of such forks")


def test_each_logs_for_itself(tmp_path: Path, runtime_directory: str) -> None:
    program = """
    import ctypes, os, sys
    import numpy
    from tbxd_client import FlushTimeout, SummaryWriter
    writer = SummaryWriter(sys.argv[1], purge_step=1)
    unused = SummaryWriter(sys.argv[1], role="unused")
    writer.add_scalar("tag", 0.5, 1)
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        writer.add_tensor("tag", numpy.zeros(50_000), 2)
        unused.add_scalar("tag", 0.5, 3)
        writer.add_scalar("tag", 0.5, 4)
        stats = writer.stats()
        assert stats["records"] == 2, stats
        assert "forked beside threads" in stats["trouble"], stats
        try:
            writer.flush()
        except FlushTimeout as error:
            assert "forked beside threads" in str(error)
        else:
            raise AssertionError("who should have written it?")
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    writer.add_scalar("tag", 0.5, 5)
    assert writer.stats()["records"] == 3
    print(child, flush=True)
    os._exit(0)
    """
    child = run_program(program, str(tmp_path / "run")).strip()
    assert steps_by_role(runtime_directory) == {
        "": [1, 1, 5],
        f"fork{child}": [2, 4],
        f"unused/fork{child}": [3],
    }
    ended = {each.hello.role: each.ended for each in read_all(runtime_directory)}
    assert ended == {"": False, f"fork{child}": True, f"unused/fork{child}": True}


@pytest.mark.parametrize(
    "deed",
    [
        "sys.exit(0)",
        "del writer; gc.collect(); os._exit(0)",
        "writer.close(); os._exit(0)",
        "writer.flush(); os._exit(0)",
        "pickle.loads(pickle.dumps(writer)).close(); os._exit(0)",
    ],
)
def test_a_child_that_logs_nothing_ends_nothing(
    tmp_path: Path, runtime_directory: str, deed: str
) -> None:
    program = """
    import ctypes, gc, os, pickle, sys
    from tbxd_client import SummaryWriter
    writer = SummaryWriter(sys.argv[1])
    writer.add_scalar("tag", 0.5, 1)
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        exec(sys.argv[2])
    assert os.waitpid(child, 0)[1] == 0
    writer.add_scalar("tag", 0.5, 2)
    os._exit(0)
    """
    run_program(program, str(tmp_path / "run"), deed)
    (found,) = read_all(runtime_directory)
    assert [step for _, _, step, *_ in found.records] == [1, 2]
    assert not found.ended


def test_without_threads_a_child_is_as_good_as_any(tmp_path: Path, runtime_directory: str) -> None:
    """As behind daemon(3), with this package imported before."""
    program = """
    import ctypes, os, sys, threading
    from tbxd_client import SummaryWriter
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        writer = SummaryWriter(sys.argv[1])
        writer.add_scalar("tag", 0.5, 1)
        assert "tbxd-link" in [thread.name for thread in threading.enumerate()]
        assert "forked" not in writer.stats()["trouble"]
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print(child)
    """
    child = run_program(program, str(tmp_path / "run")).strip()
    assert steps_by_role(runtime_directory) == {f"fork{child}": [1]}


def test_a_child_of_a_child(tmp_path: Path, runtime_directory: str) -> None:
    program = """
    import ctypes, os, sys
    from tbxd_client import SummaryWriter
    fork = ctypes.PyDLL(None).fork
    writer = SummaryWriter(sys.argv[1])
    writer.add_scalar("tag", 0.5, 0)
    for generation, fork in enumerate((fork, os.fork, fork, fork), 1):
        if child := fork():
            break
        writer.add_scalar("tag", 0.5, generation)
    if child:
        assert os.waitpid(child, 0)[1] == 0
        writer.add_scalar("tag", 0.5, generation + 10)
    os._exit(0)
    """
    run_program(program, str(tmp_path / "run"))
    found = steps_by_role(runtime_directory)
    assert found.pop("") == [0, 11]
    assert sorted(found.values()) == [[1, 12], [2, 13], [3, 14], [4]]


def test_python_is_told_later(tmp_path: Path, runtime_directory: str) -> None:
    """From then on the child is as good as any other."""
    program = """
    import _imp, ctypes, os, sys, threading
    from tbxd_client import SummaryWriter
    writer = SummaryWriter(sys.argv[1])
    writer.add_scalar("tag", 0.5, 1)
    child = ctypes.pythonapi.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        print(child, flush=True)
        os._exit(0)
    writer.add_scalar("tag", 0.5, 2)
    assert "forked beside threads" in writer.stats()["trouble"]
    # It gives this lock back, which PyOS_BeforeFork takes.
    _imp.acquire_lock()
    ctypes.pythonapi.PyOS_AfterFork_Child()
    writer.add_scalar("tag", 0.5, 3)
    assert "tbxd-link" in [thread.name for thread in threading.enumerate()]
    assert "forked" not in writer.stats()["trouble"]
    os._exit(0)
    """
    child = run_program(program, str(tmp_path / "run")).strip()
    assert steps_by_role(runtime_directory) == {"": [1], f"fork{child}": [2, 3]}


def test_a_hook_that_logs_before_this_package_s_own_runs(
    tmp_path: Path, runtime_directory: str
) -> None:
    """Python calls them in the order in which they were registered."""
    program = """
    import os, sys
    os.register_at_fork(after_in_child=lambda: writer.add_scalar("tag", 0.5, 2))
    from tbxd_client import SummaryWriter
    writer = SummaryWriter(sys.argv[1])
    writer.add_scalar("tag", 0.5, 1)
    child = os.fork()
    writer.add_scalar("tag", 0.5, 4 if child else 3)
    if child:
        assert os.waitpid(child, 0)[1] == 0
        print(child, flush=True)
    os._exit(0)
    """
    child = run_program(program, str(tmp_path / "run")).strip()
    assert steps_by_role(runtime_directory) == {"": [1, 4], f"fork{child}": [2, 3]}


def test_a_system_that_does_not_tell(tmp_path: Path, runtime_directory: str) -> None:
    """There the forks that Python knows of are as they are everywhere."""
    program = """
    import mmap, os, sys
    class Older(mmap.mmap):
        def madvise(self, *arguments):
            raise OSError(22, "Invalid argument")
    mmap.mmap = Older
    from tbxd_client import SummaryWriter
    writer = SummaryWriter(sys.argv[1])
    writer.add_scalar("tag", 0.5, 1)
    child = os.fork()
    writer.add_scalar("tag", 0.5, 3 if child else 2)
    if child:
        assert os.waitpid(child, 0)[1] == 0
        print(child, flush=True)
    os._exit(0)
    """
    child = run_program(program, str(tmp_path / "run")).strip()
    assert steps_by_role(runtime_directory) == {"": [1, 3], f"fork{child}": [2]}
