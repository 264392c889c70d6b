"""SummaryWriter: what users of tensorboardX and torch.utils.tensorboard already know.

Every method checks its arguments, builds one record and puts it into the journal; all encoding and
all writing of event files happen in the daemon.

Example::

    from tbxd_client import SummaryWriter

    with SummaryWriter("runs/first") as writer:
        for step in range(1000):
            writer.add_scalar("train/loss", 1 / (step + 1), step)

Guarantees:
    A record whose call has returned is written to the event file exactly once, whatever happens to
    this process or to the daemon afterwards, as long as there was room in the journal
    (``stats()["shed"]`` counts the records for which there was none).
    A mistake in the arguments raises at once, and nothing of that call is logged. Nothing else
    ever raises out of an ``add_*`` or ``log`` call.
    Within one writer, records reach the file in the order of the calls.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator, Mapping
from time import localtime, strftime, time
from typing import Any

from tbxd_wire import paths, records
from tbxd_wire.kinds import ScalarForm
from tbxd_wire.limits import STEP_MAX, STEP_MIN
from tbxd_wire.records import SCALAR, pack

from . import convert
from .recorder import Discarder, Recorder

FLUSH_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 10.0


class SummaryWriter:
    """Logs into one run; other processes may log into the same run at the same time.

    The process that is the main one, or rank 0, writes the run directory itself. Rank r writes
    ``<run>/rank<r>``, DataLoader worker i ``<run>/worker<i>`` (below its rank's), any other child
    process ``<run>/<process name>``: TensorBoard keeps one order of steps per run and tag, so each
    tag of a run has one author. A writer may be pickled, copied, inherited by a fork: on the other
    side it is the same run under that process's role.

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
        ValueError: a role or suffix that leads out of the run directory.
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
        self.purge_step = convert.step(purge_step)
        self.max_queue = max_queue
        self.flush_secs = flush_secs
        self.filename_suffix = filename_suffix
        self.write_to_disk = write_to_disk
        self._default_step: int | None = None
        self._default_wall_time: float | None = None
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

    # -- logging

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: Any = None,
        display_name: str = "",
        summary_description: str = "",
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Log one number.

        Args:
            tag: name of the curve; "/" groups curves.
            scalar_value: a number, or an array or tensor of any framework with one element.
                Stored as float32 unless both ``new_style`` and ``double_precision`` are given;
                NaN and infinities are logged.
            global_step: int64; floats are truncated, numeric strings and one-element arrays taken.
            walltime: seconds since 1970; default now.
            display_name: shown by TensorBoard instead of the tag.
            summary_description: Markdown shown with the curve.
            new_style: store a tensor for TensorBoard's scalars plugin instead of a simple value.
            double_precision: with ``new_style``, store a float64. (TensorBoard 2.21 shows such
                curves with ``--load_fast=false`` alone.)

        Raises:
            AssertionError: more or less than one element.
            TypeError, NotImplementedError: no number.
            ValueError: a step outside int64, a wall time that is not finite.
        """
        if type(tag) is not str:
            tag = convert.tag(tag)
        if type(scalar_value) is not float:
            scalar_value = convert.scalar(scalar_value)
        if type(global_step) is not int or not STEP_MIN <= global_step <= STEP_MAX:
            global_step = self._step(global_step)
        if walltime is None and self._default_wall_time is None:
            walltime = time()
        else:
            walltime = self._wall_time(walltime)
        if display_name or summary_description or new_style or double_precision:
            form = ScalarForm.SIMPLE
            if new_style:
                form = ScalarForm.DOUBLE_TENSOR if double_precision else ScalarForm.FLOAT_TENSOR
            names = (convert.tag(display_name), convert.tag(summary_description))
            body = records.scalar_of_form(tag, global_step, walltime, scalar_value, form, *names)
        else:
            body = pack((SCALAR, tag, global_step, walltime, scalar_value))
        append = self._recorder.append
        if not append(body):
            self._recorder.refused(body, append)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: Any = None,
    ) -> None:
        """Log several numbers as curves of one chart, each in a sub-run ``<main_tag>/<key>``.

        Args:
            main_tag: tag of the chart.
            tag_scalar_dict: ``{key: number}``, numbers as in :meth:`add_scalar`.
            global_step, walltime: as in :meth:`add_scalar`.

        Raises:
            ValueError: ``<main_tag>/<key>`` would lead out of the run directory.
            Otherwise as :meth:`add_scalar`.
        """
        main_tag = convert.tag(main_tag)
        values = convert.scalars(tag_scalar_dict)
        for key in values:
            paths.safe_relative(f"{main_tag}/{key}")
        step, wall_time = self._step(global_step), self._wall_time(walltime)
        self._post(records.scalar_group(main_tag, step, wall_time, values))

    def log(self, values: Mapping[str, Any], step: Any = None, walltime: Any = None) -> None:
        """Log numbers under several tags at once: one record, one event.

        Args:
            values: ``{tag: number}``, numbers as in :meth:`add_scalar`.
            step, walltime: as in :meth:`add_scalar`.

        Raises:
            As :meth:`add_scalar`; if any value is wrong, none is logged.
        """
        numbers = convert.scalars(values)
        body = records.scalars(self._step(step), self._wall_time(walltime), numbers)
        self._post(body)

    def add_text(
        self, tag: str, text_string: str, global_step: Any = None, walltime: Any = None
    ) -> None:
        """Log a piece of Markdown.

        Raises:
            AttributeError: ``text_string`` is no str (the peers' exception).
            Otherwise as :meth:`add_scalar`.
        """
        tag = convert.tag(tag)
        if not isinstance(text_string, str):
            raise AttributeError(
                f"text_string must be a str, not {type(text_string).__name__}"
                " (it has no attribute 'encode' to make UTF-8 with)"
            )
        step, wall_time = self._step(global_step), self._wall_time(walltime)
        self._post(records.text(tag, step, wall_time, convert.plain(text_string)))

    @contextlib.contextmanager
    def use_metadata(
        self, *, global_step: Any = None, walltime: Any = None
    ) -> Iterator[SummaryWriter]:
        """Give calls inside the ``with`` block a default step, wall time, or both.

        What a call names itself wins. However the block ends, the defaults end with it.

        Raises:
            AssertionError: neither is given, or the blocks are nested.
        """
        assert global_step is not None or walltime is not None, (
            "use_metadata needs a global_step, a walltime, or both"
        )
        nested = self._default_step is not None or self._default_wall_time is not None
        assert not nested, "use_metadata blocks cannot be nested"
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
            FlushTimeout: it was not after ``timeout_s`` seconds; nothing is lost by that.
        """
        self._recorder.flush(timeout_s)

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush, then end the session. A later call logs into the same run again.

        Never raises and never takes longer than ``timeout_s`` seconds: what no daemon has
        committed by then stays in the journal, one warning says so, and a daemon will write it.
        """
        self._recorder.close(timeout_s)

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def stats(self) -> dict[str, Any]:
        """Return facts about this process's session.

        ``run`` and ``role`` (where it writes), ``records`` and ``bytes`` put into the journal,
        ``committed_bytes``, ``pending_bytes``, ``shed`` (records refused because there was no
        room), ``connected``, ``trouble`` ("" for none).
        """
        return self._recorder.stats()

    def _post(self, body: bytes) -> None:
        append = self._recorder.append
        if not append(body):
            self._recorder.refused(body, append)

    # -- defaults

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
