"""What happens to this package in a forked child: everything is forgotten, nothing is closed.

One weak set of objects and one ``os.register_at_fork`` for the whole package. In the child each
object replaces what it must not share with its parent: locks that another thread may have held
at the fork, a session (a child is another author), sockets (closing an inherited ZeroMQ socket can
abort the child, using one silently loses what is sent).

The parent is never touched: no lock is taken before a fork, so a fork inside a signal handler or
beside a thread that logs cannot hang.

Foreign code may fork and not tell Python (a C extension, daemon(3)). Linux itself then says so: it
wipes one word in every child, which whoever is about to touch anything of the parent's reads.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import sys
import weakref
from typing import NoReturn, Protocol

_MADV_WIPEONFORK = 18
"""Of Linux, from 4.14 on; the module mmap does not name it."""


class Forkable(Protocol):
    """Something that must change in a forked child."""

    def forget_parent(self) -> None:
        """Called in the child, before any of its code runs; must not block nor raise.

        Or, where Python was not told of the fork, before the child first touches this package's
        things; and again, should Python be told later.
        """


def _wiped_page() -> mmap.mmap:
    """Return memory that is 0 in a forked child; where the system cannot do that, it is copied."""
    page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            page.madvise(_MADV_WIPEONFORK)
    return page


generation = ctypes.c_uint64.from_buffer(_wiped_page())
"""Its value is 0 from the fork on until all is forgotten, and another number in each generation.

A signal handler may fork while its process is in the midst of making or deleting a file, and the
child goes on with that. Who does such a thing looks, in the very line of it, whether the process
is still the one that began: that of the generation which ``look`` has returned.
"""
generation.value = 1

token = os.urandom(16)
"""Tells this process from any other, also from one that has its pid: later, or elsewhere."""

threadless = False
"""Whether no thread may be started here, nor any lock of others be waited for.

Python was not told of the fork, and takes the threads that its parent had for alive: the
interpreter's own lock may be given to one of them, and then nobody ever gets it.
"""

_watched: weakref.WeakSet[Forkable] = weakref.WeakSet()
_graveyard: list[object] = []
_latest = 1
_process_at_fork: object = None
_NO_MULTIPROCESSING = object()
"""Stands for the process object where multiprocessing was not even imported."""


def watch(holder: Forkable) -> None:
    """Have ``holder.forget_parent()`` called in every child forked from now on."""
    _watched.add(holder)


def bury(*things: object) -> None:
    """Keep ``things`` alive for ever, so that their destructors never run in this process."""
    _graveyard.extend(things)


def look() -> int:
    """Forget the parent, if this is a child that nobody has told so; return the generation.

    Never 0. Call it with no lock held, and before any lock of this package is taken: a thread
    that is not here may have held it.
    """
    global threadless
    while not (found := generation.value):
        threadless = len(sys._current_frames()) > 1
        _begin_anew()
    return found


def refuse() -> NoReturn:
    """Refuse to go on with what the parent does, too.

    Raises:
        OSError: always.
    """
    look()
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


def _begin_anew() -> None:
    """Become a generation of its own, that of a process which has forgotten its parent."""
    global _process_at_fork, _latest, token
    # What logs in the midst of this, in a signal handler, finds the parent's things forgotten too.
    generation.value = 0
    _latest += 1
    token = os.urandom(16)
    _process_at_fork = _current_process() or _NO_MULTIPROCESSING
    for holder in list(_watched):
        holder.forget_parent()
    generation.value = _latest


def _after_fork_in_child() -> None:
    global threadless
    threadless = False
    _begin_anew()


os.register_at_fork(after_in_child=_after_fork_in_child)
