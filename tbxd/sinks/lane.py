"""A thread for what may take for ever: whatever asks a file system.

A network file system whose server is gone, or one that is frozen for a snapshot, keeps a call as
long as it likes. So the loop makes none itself: it gives the call to a lane, and waits for it no
longer than a healthy disk would need (tbxd.sinks.patience).
"""

from __future__ import annotations

import errno
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

from tbxd.threads import NoThread, started

from .patience import Patience

_SILENT_S = 3.0
"""A lane that has been at one thing for so long is told of as one that does not answer."""

_SILENT = "the file system does not answer"

_log = logging.getLogger(__name__)

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")
_Order = tuple["Future[Any]", Callable[[], Any]]


class Blocked(OSError):
    """The file system has not answered yet; what was asked goes on all the same."""

    def __init__(self) -> None:
        super().__init__(errno.ETIMEDOUT, _SILENT)


class Failed(OSError):
    """What was asked has failed by no word of a file system: for want of memory, or by a mistake.

    It may be asked again. Neither is a reason to end a daemon that others are served by.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(errno.EIO, f"internal error: {error!r}")


class Lane:
    """Does one thing after another, in a thread of its own.

    The thread is started with the first order, and never waited for longer than asked: it may be
    in a call that never returns. Several threads may give orders.

    Guarantees:
        What was ordered raises nothing but OSError, to whom it matters: NoThread if it was never
        begun, Failed for what is no word of a file system. Of its kind, the first is logged with
        its traceback.

    Args:
        name: of the thread.
        wake: called, from that thread, when something is done for which nobody waits any more.
        patience: how long to wait for an answer.
    """

    def __init__(self, name: str, wake: Callable[[], None], patience: Patience) -> None:
        self._name = name
        self._wake = wake
        self._patience = patience
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._began: float | None = None
        self._overdue: set[Future[Any]] = set()
        self._logged: set[type[Exception]] = set()

    @property
    def is_late(self) -> bool:
        """Whether it has been at one thing for longer than the loop would wait."""
        return self._busy_s() > self._patience.each_s

    @property
    def trouble(self) -> str | None:
        """What there is to say of it when it has been at one thing for long, or None."""
        return _SILENT if self._busy_s() > _SILENT_S else None

    @property
    def silent_at(self) -> float | None:
        """When what it does now will have taken long; None if it does nothing, or it has."""
        began = self._began
        return None if began is None or self._busy_s() > _SILENT_S else began + _SILENT_S

    def begin(
        self,
        work: Callable[_Arguments, _Answer],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> Future[_Answer]:
        """Have something done behind all that was begun before.

        Returns:
            Its answer or its OSError, once it is there.
        """
        future: Future[_Answer] = Future()
        try:
            if self._thread is None:
                self._thread = started(self._run, self._name)
        except NoThread as error:
            future.set_exception(error)
        else:
            self._orders.put((future, lambda: work(*arguments, **named)))
        return future

    def wait(self, future: Future[_Answer]) -> _Answer:
        """Return what was begun here, or raise what it has raised.

        Raises:
            Blocked: it is not done in time. The loop is woken once it is.
            OSError: what it has raised.
        """
        return self._wait(future, now_or_never=False)

    def _wait(self, future: Future[_Answer], *, now_or_never: bool) -> _Answer:
        began = time.monotonic()
        try:
            left_s = self._patience.left_s(now_or_never=now_or_never)
            return future.result(0.0 if self.is_late else left_s)
        except TimeoutError:
            # Also what a file system has raised may be called so.
            if future.done():
                return future.result()
        finally:
            self._patience.spend(time.monotonic() - began)
        # Once, however often it is waited for; and at once, if it has been done meanwhile.
        if future not in self._overdue:
            self._overdue.add(future)
            future.add_done_callback(self._came_late)
        raise Blocked

    def ask(
        self,
        work: Callable[_Arguments, _Answer],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> _Answer:
        """Do something that nobody needs if it does not come in time.

        Raises:
            Blocked: it did not; if it was not begun, it never will be.
            OSError: what it has raised.
        """
        if self.is_late:
            raise Blocked
        future = self.begin(work, *arguments, **named)
        try:
            return self._wait(future, now_or_never=True)
        except Blocked:
            future.cancel()
            raise

    def close(self, timeout_s: float) -> bool:
        """Have the thread end behind all that was begun; return whether it has, in a moment."""
        if self._thread is None:
            return True
        self._orders.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _came_late(self, future: Future[Any]) -> None:
        self._overdue.discard(future)
        self._wake()

    def _busy_s(self) -> float:
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    def _told(self, error: BaseException) -> BaseException:
        """Return what whoever has ordered something is to hear of its error."""
        if isinstance(error, OSError) or not isinstance(error, Exception):
            return error
        if type(error) not in self._logged:
            self._logged.add(type(error))
            _log.error("a file system's thread has failed at something", exc_info=error)
        return Failed(error)

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            future, work = order
            if future.set_running_or_notify_cancel():
                self._began = time.monotonic()
                try:
                    answer = work()
                except BaseException as error:
                    self._began = None
                    future.set_exception(self._told(error))
                else:
                    self._began = None
                    future.set_result(answer)
                    del answer
            # Not kept while the thread waits: what was ordered may be large.
            del order, future, work
