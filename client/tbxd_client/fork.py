"""What happens to this package in a forked child: everything is forgotten, nothing is closed.

One weak set of objects and one ``os.register_at_fork`` for the whole package. In the child each
object replaces what it must not share with its parent: locks that another thread may have held
at the fork, a session (a child is another author), sockets (closing an inherited ZeroMQ socket can
abort the child, using one silently loses what is sent).

The parent is never touched: no lock is taken before a fork, so a fork inside a signal handler or
beside a thread that logs cannot hang.
"""

from __future__ import annotations

import errno
import os
import sys
import weakref
from typing import NoReturn, Protocol


class Forkable(Protocol):
    """Something that must change in a forked child."""

    def forget_parent(self) -> None:
        """Called in the child, before any of its code runs; must not block nor raise."""


generation = 0
"""Rises in every forked child, before anything else happens there.

A signal handler may fork while its process is in the midst of making or deleting a file, and the
child goes on with that. Who does such a thing looks, in the very line of it, whether the process
is still the one that began.
"""

token = os.urandom(16)
"""Tells this process from any other, also from one that has its pid: later, or elsewhere."""

_watched: weakref.WeakSet[Forkable] = weakref.WeakSet()
_graveyard: list[object] = []
_process_at_fork: object = None
_NO_MULTIPROCESSING = object()
"""Stands for the process object where multiprocessing was not even imported."""


def watch(holder: Forkable) -> None:
    """Have ``holder.forget_parent()`` called in every child forked from now on."""
    _watched.add(holder)


def bury(*things: object) -> None:
    """Keep ``things`` alive for ever, so that their destructors never run in this process."""
    _graveyard.extend(things)


def refuse() -> NoReturn:
    """Refuse to go on with what the parent does, too.

    Raises:
        OSError: always.
    """
    raise OSError(errno.ECANCELED, "forked while a journal's file was being made or deleted")


def is_bare_fork() -> bool:
    """Whether this process was made by ``os.fork`` itself rather than by multiprocessing.

    multiprocessing puts a new process object in place right after its fork; a bare fork keeps
    the parent's.
    """
    if _process_at_fork is _NO_MULTIPROCESSING:
        return True
    return _process_at_fork is not None and _process_at_fork is _current_process()


def _current_process() -> object:
    module = sys.modules.get("multiprocessing.process")
    return None if module is None else module.current_process()


def _after_fork_in_child() -> None:
    global _process_at_fork, generation, token
    generation += 1
    token = os.urandom(16)
    _process_at_fork = _current_process() or _NO_MULTIPROCESSING
    for holder in list(_watched):
        holder.forget_parent()


os.register_at_fork(after_in_child=_after_fork_in_child)
