"""Which author of a run this process is: one tag, one author (TensorBoard keeps one step order).

The role is a path below the run directory. The main process and rank 0 have the role "" and write
the run itself; rank r has ``rank<r>``; DataLoader worker i has ``worker<i>`` below its rank's
role; any other child process has its name there. Roles are computed when a process first logs, so
that a rank, which many launchers set late, is known by then.

A rank comes from the environment. A child inherits its parent's environment, so a rank counts as
this process's own only if the process was started with it by a launcher or set it itself; else it
is the rank of the parent, below which the child's own name goes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple

from tbxd_wire import paths

from . import fork

RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")
"""Set by torchrun and most launchers; by Slurm's srun; by Open MPI's mpirun."""


class Process(NamedTuple):
    """What a process knows of its place among the others."""

    rank: int | None
    """From the environment, inherited or not."""
    rank_is_own: bool
    """False if the parent process has the same rank in its environment."""
    worker: int | None
    """Number of this DataLoader worker."""
    child_name: str | None
    """Name of this process if another Python process made it."""
    parent_name: str | None
    """Name of the process that made it, if that one is a child itself."""


def role(process: Process) -> str:
    """Return the role of ``process``."""
    parts: list[str] = []
    if process.rank:
        parts.append(f"rank{process.rank}")
    if process.worker is not None:
        if process.rank is None and process.parent_name is not None:
            parts.append(path_component(process.parent_name))
        parts.append(f"worker{process.worker}")
    elif process.child_name is not None and not process.rank_is_own:
        parts.append(path_component(process.child_name))
    return "/".join(parts)


def author(given: str | None, *, made_here: bool) -> str:
    """Return the role under which this process writes.

    Args:
        given: the role that the writer was made with; None to find out.
        made_here: whether this process has made the writer, and not got it from another one.
    """
    here = this_process()
    own = role(here)
    if made_here:
        return own if given is None else given
    if not own and not here.rank_is_own:
        # It was unpickled by a process that is nobody's child: still not the same author.
        own = f"pid{os.getpid()}"
    return "/".join(part for part in (given, own) if part)


def path_component(name: str) -> str:
    """Return ``name`` as one component of a path: no separator, not empty, not ``.`` or ``..``.

    Nor longer than a file system allows, nor anything but UTF-8: a process may have any name.
    """
    clean = name.replace("/", "_").replace("\0", "_")
    clean = clean.encode(errors="replace")[: paths.COMPONENT_BYTES].decode(errors="ignore")
    return f"_{clean}" if clean in ("", ".", "..") else clean


def environment_rank(environ: Mapping[str, str]) -> int | None:
    """Return the rank that a launcher has put into ``environ``."""
    for name in RANK_VARIABLES:
        value = environ.get(name, "")
        if value.isdecimal():
            return int(value)
    return None


def this_process() -> Process:
    """Look at this process. A worker's number is known only inside the worker."""
    rank = environment_rank(os.environ)
    child_name, parent_name = _family()
    return Process(
        rank=rank,
        rank_is_own=rank is not None and rank != _inherited.rank(),
        worker=_worker_number(),
        child_name=child_name,
        parent_name=parent_name,
    )


def _family() -> tuple[str | None, str | None]:
    """Return this process's name if it is a child, and its parent's if that is one."""
    name = parent_name = None
    if (processes := sys.modules.get("multiprocessing.process")) is not None:
        parent = processes.parent_process()
        if parent is not None:
            name = processes.current_process().name
            if parent.name != "MainProcess":
                parent_name = parent.name
    if fork.is_bare_fork():
        return f"{name}-fork{os.getpid()}" if name else f"fork{os.getpid()}", name
    return name, parent_name


def _worker_number() -> int | None:
    """Return the number of this DataLoader worker, without importing torch."""
    # Another thread may be importing it: no worker does.
    look = getattr(sys.modules.get("torch.utils.data"), "get_worker_info", None)
    information = None if look is None else look()
    return None if information is None else int(information.id)


class _Inherited:
    """The rank that the environment of this process's parent has.

    At a fork it is the rank of that moment. A process that was executed by a multiprocessing
    parent (spawn, forkserver) began with a copy of the parent's environment; any other process
    was started by a launcher, for which nothing is inherited.
    """

    def __init__(self) -> None:
        self._at_fork: int | None = None
        self._forked = False
        fork.watch(self)

    def forget_parent(self) -> None:
        self._forked = True
        self._at_fork = environment_rank(os.environ)

    def rank(self) -> int | None:
        if self._forked:
            return self._at_fork
        processes = sys.modules.get("multiprocessing.process")
        if processes is None or processes.parent_process() is None:
            return None
        try:
            with open("/proc/self/environ", "rb") as file:
                block = file.read()
        except OSError:
            return None
        entries = (entry.partition(b"=") for entry in block.split(b"\0"))
        return environment_rank(
            {os.fsdecode(name): os.fsdecode(value) for name, _, value in entries}
        )


_inherited = _Inherited()
