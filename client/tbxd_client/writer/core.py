"""What all logging methods of a writer share: its run, its way into the journal, its defaults."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from time import localtime, strftime, time
from typing import Any, Self

from tbxd_client import convert, uncaught
from tbxd_client.discarder import Discarder
from tbxd_client.interruption import is_interruption
from tbxd_client.recorder import Recorder
from tbxd_wire import records
from tbxd_wire.kinds import Kind

FLUSH_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 10.0


class Writer:
    """A run, as one author sees it, without the methods that log into it.

    Args:
        logdir: run directory; relative to the working directory of now. Default:
            ``runs/<date>_<time>_<host><comment>``.
        comment: appended to the default ``logdir``, ignored if one is given.
        purge_step: the run goes on at this step: TensorBoard drops what it holds from it on.
        max_queue: accepted for compatibility; nothing here waits in a queue.
        flush_secs: accepted for compatibility; records are on their way after 20 ms.
        filename_suffix: appended to the names of event files.
        write_to_disk: if False, arguments are checked and nothing is logged.
        log_dir: the same as ``logdir``, which wins if both are given.
        role: path below the run directory for this author, instead of the one found out; "" is
            the run directory itself. Child processes get their own names below it.

    Attributes:
        logdir: the run directory as given (``log_dir`` is the same).

    Raises:
        OSError: the run directory cannot be made, or the runtime directory cannot be used.
        TypeError: a role or suffix that is no str.
        ValueError: a role or suffix that leads out of the run directory, or a run directory that is
            a URL.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
        write_to_disk: bool = True,
        log_dir: str | os.PathLike[str] | None = None,
        *,
        role: str | None = None,
    ) -> None:
        chosen = logdir or log_dir or None
        self.logdir = os.fsdecode(chosen) if chosen is not None else _default_logdir(comment)
        self.purge_step = convert.step(purge_step, "purge_step")
        self.max_queue = max_queue
        self.flush_secs = flush_secs
        self.filename_suffix = filename_suffix
        self.write_to_disk = write_to_disk
        self._default_step: int | None = None
        self._default_wall_time: float | None = None
        for name, value in (
            ("role", "" if role is None else role),
            ("filename_suffix", filename_suffix),
        ):
            if not isinstance(value, str):
                raise TypeError(f"{name} must be a str, not {type(value).__name__}")
        self._recorder: Recorder | Discarder = Discarder()
        if write_to_disk:
            self._recorder = Recorder(self.logdir, role, filename_suffix, self.purge_step)

    @property
    def log_dir(self) -> str:
        """The run directory as given."""
        return self.logdir

    def get_logdir(self) -> str:
        """Return the run directory as given."""
        return self.logdir

    @contextlib.contextmanager
    def use_metadata(self, *, global_step: Any = None, walltime: Any = None) -> Iterator[Self]:
        """Give calls inside the ``with`` block a default step, wall time, or both.

        What a call names itself wins. However the block ends, the defaults end with it.

        Raises:
            AssertionError: neither is given, or the blocks are nested.
        """
        if global_step is None and walltime is None:
            raise AssertionError("use_metadata needs a global_step, a walltime, or both")
        if self._default_step is not None or self._default_wall_time is not None:
            raise AssertionError("use_metadata blocks cannot be nested")
        step = convert.step(global_step)
        wall_time = None if walltime is None else convert.wall_time(walltime)
        self._default_step, self._default_wall_time = step, wall_time
        try:
            yield self
        finally:
            self._default_step = self._default_wall_time = None

    # -- barriers

    def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Return when everything logged before through this writer is in the event files.

        Raises:
            FlushTimeout: it was not after ``timeout_s`` seconds; nothing is lost by that. Or, at
                once: this is a signal handler that has interrupted a call that logs, and what was
                logged since then is in memory alone until that call goes on.
            ValueError: a negative timeout.
        """
        self._recorder.flush(convert.timeout(timeout_s))

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush, then end the session. A later call logs into the same run again.

        Never takes longer than ``timeout_s`` seconds, and raises nothing else than what follows:
        what no daemon has committed by then stays in the journal, one warning says so, and a daemon
        will write it.

        Raises:
            ValueError: a negative timeout.
        """
        self._recorder.close(convert.timeout(timeout_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *exception: object) -> None:
        self._recorder.cause = uncaught.name_of(kind)
        try:
            self.close()
        finally:
            self._recorder.cause = ""

    def stats(self) -> dict[str, Any]:
        """Return facts about this process's session.

        ``run`` and ``role`` (where it writes), ``records`` and ``bytes`` put into the journal,
        ``committed_bytes``, ``pending_bytes``, ``shed`` (records refused because there was no
        room), ``refused`` (records that the daemon could not write), ``connected``, ``trouble``
        ("" for none).
        """
        return self._recorder.stats()

    # -- for the methods that log

    def _post(self, kind: Kind, tag: str, global_step: Any, walltime: Any, *fields: object) -> None:
        """Log a record without arrays; ``fields`` are its kind's, see tbxd_wire.records."""
        step, wall_time = self._step(global_step), self._wall_time(walltime)
        body = records.encode(kind, convert.tag(tag), step, wall_time, *fields)
        append = self._recorder.append
        if not append(body):
            self._recorder.refused(append, body)

    def _post_arrays(
        self, kind: Kind, tag: str, global_step: Any, walltime: Any, *fields: object
    ) -> None:
        """Log a record with arrays: among ``fields``, at any depth, those of ``arrays.source``."""
        # As add_scalar does it: each call less is a microsecond less where caches are cold.
        if type(tag) is not str:
            tag = convert.tag(tag)
        if type(global_step) is not int or global_step >> 63:
            global_step = self._step(global_step)
        if walltime is None and self._default_wall_time is None:
            walltime = time()
        else:
            walltime = self._wall_time(walltime)
        record, sources = records.encode_before(kind, tag, global_step, walltime, *fields)
        append = self._recorder.append_arrays
        try:
            if not append(record, sources):
                self._recorder.refused(append, record, sources)
        except Exception as error:
            if is_interruption(error):
                raise
            self._recorder.failed(error)

    def _step(self, given: Any) -> int | None:
        return self._default_step if given is None else convert.step(given)

    def _wall_time(self, given: Any) -> float:
        if given is not None:
            return convert.wall_time(given)
        default = self._default_wall_time
        return time() if default is None else default


def _default_logdir(comment: str) -> str:
    """Return the run directory that both peers use by default."""
    name = f"{strftime('%b%d_%H-%M-%S', localtime())}_{platform.node()}{comment}"
    return os.path.join("runs", name)
