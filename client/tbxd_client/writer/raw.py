"""Messages of TensorFlow's Event family as they are: whoever has made one can log it.

Nothing is parsed here: a message's bytes travel as they are, whichever package its class is from,
and the daemon checks them. One that it cannot take is refused there and counted with the reason
(``tbxd status``); it never reaches a file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy

from tbxd_client import arrays
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind

from .core import CLOSE_TIMEOUT_S, FLUSH_TIMEOUT_S, Writer

PROFILE_TAG = "step1"
"""Under which tag a graph's run metadata are shown."""

CPU_RUN_METADATA = b"\x0a\x11\x0a\x0f\x0a\x0d/device:CPU:0"
"""A serialized RunMetadata that names this one device: RunMetadata.step_stats = 1,
StepStats.dev_stats = 1, DeviceStepStats.device = 1. Both peers write it beside every graph."""


class FileWriter:
    """Logs serialized messages into one run: what the peers keep behind a SummaryWriter.

    ``SummaryWriter.file_writer`` is one on the writer's own session; the constructor makes one
    with a session of its own.

    Args:
        logdir, filename_suffix: as of a SummaryWriter.
        max_queue, flush_secs: accepted for compatibility.
        log_dir: the same as ``logdir``.

    Raises:
        TypeError: no run directory is given.
        As a SummaryWriter.

    Guarantees:
        Those of a SummaryWriter. ``close`` ends the session, and a later call begins another one
        in the same run.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str] | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
        *,
        log_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        chosen = log_dir if logdir is None else logdir
        if chosen is None:
            raise TypeError("a FileWriter needs the directory of its run")
        self._writer = Writer(
            chosen, max_queue=max_queue, flush_secs=flush_secs, filename_suffix=filename_suffix
        )

    @classmethod
    def of(cls, writer: Writer) -> FileWriter:
        """Return one on the session of ``writer``, with its defaults of step and wall time."""
        made = cls.__new__(cls)
        made._writer = writer
        return made

    def get_logdir(self) -> str:
        """Return the run directory as given."""
        return self._writer.get_logdir()

    def add_event(self, event: Any, step: Any = None, walltime: Any = None) -> None:
        """Log an Event.

        Args:
            event: any object with ``SerializeToString``, or the bytes. It is not changed.
            step: int64; default that of ``use_metadata``, else the event's own.
            walltime: seconds since 1970; default now, also if the event has one: to keep that,
                pass it.

        Raises:
            AttributeError: neither a message nor bytes, or a message of another kind.
            ValueError: a step outside int64, a wall time that is not finite.
        """
        message = message_bytes(event, "Event")
        step = self._writer._step(step)
        if step is None and type(own := getattr(event, "step", None)) is int:
            # The daemon finds it in the bytes too, but counts steps that go back without parsing.
            step = own or None
        self._writer._post_arrays(Kind.EVENT, "", step, walltime, message)

    def add_summary(self, summary: Any, global_step: Any = None, walltime: Any = None) -> None:
        """Log a Summary.

        Args:
            summary: any object with ``SerializeToString``, or the bytes.
            global_step, walltime: as for a scalar.

        Raises:
            TypeError: neither a message nor bytes, or a message of another kind.
            ValueError: a step outside int64, a wall time that is not finite.
        """
        message = message_bytes(summary, "Summary", TypeError)
        self._writer._post_arrays(Kind.SUMMARY, "", global_step, walltime, message)

    def add_graph(self, graph_profile: Sequence[Any], walltime: Any = None) -> None:
        """Log a GraphDef and its RunMetadata.

        Args:
            graph_profile: both, in this order; objects with ``SerializeToString``, or bytes.
            walltime: seconds since 1970; default now.

        Raises:
            AttributeError: neither a message nor bytes, or a message of another kind.
            IndexError: fewer than two.
            ValueError: a wall time that is not finite.
        """
        graph = message_bytes(graph_profile[0], "GraphDef")
        metadata = message_bytes(graph_profile[1], "RunMetadata")
        self._writer._post_arrays(Kind.GRAPH_DEF, "", None, walltime, graph)
        self._writer._post_arrays(Kind.RUN_METADATA, PROFILE_TAG, None, walltime, metadata)

    def add_onnx_graph(self, graph: Any, walltime: Any = None) -> None:
        """Log a GraphDef.

        Args:
            graph: any object with ``SerializeToString``, or the bytes.
            walltime: seconds since 1970; default now.

        Raises:
            As :meth:`add_graph`.
        """
        message = message_bytes(graph, "GraphDef")
        self._writer._post_arrays(Kind.GRAPH_DEF, "", None, walltime, message)

    add_openvino_graph = add_onnx_graph

    def add_run_metadata(
        self, run_metadata: Any, tag: str, global_step: Any = None, walltime: Any = None
    ) -> None:
        """Log a RunMetadata (which devices ran what, when) under ``tag``.

        Args:
            run_metadata: any object with ``SerializeToString``, or the bytes.
            tag: what the graph dashboard lists it as.
            global_step, walltime: as for a scalar.

        Raises:
            AttributeError: neither a message nor bytes, or a message of another kind.
            TypeError: a tag that is no str.
            ValueError: a step outside int64, a wall time that is not finite.
        """
        message = message_bytes(run_metadata, "RunMetadata")
        self._writer._post_arrays(Kind.RUN_METADATA, tag, global_step, walltime, message)

    @contextlib.contextmanager
    def use_metadata(self, *, global_step: Any = None, walltime: Any = None) -> Iterator[Self]:
        """Give calls inside the ``with`` block a default step, wall time, or both.

        On a SummaryWriter's file writer, its calls get them too.

        Raises:
            AssertionError: neither is given, or the blocks are nested.
        """
        with self._writer.use_metadata(global_step=global_step, walltime=walltime):
            yield self

    def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Return when everything logged before is in the event files.

        Raises:
            FlushTimeout: it was not after ``timeout_s`` seconds; nothing is lost by that.
            ValueError: a negative timeout.
        """
        self._writer.flush(timeout_s)

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush, then end the session, as ``SummaryWriter.close`` does it.

        Raises:
            ValueError: a negative timeout.
        """
        self._writer.close(timeout_s)

    def reopen(self) -> None:
        """Do nothing: the next call after ``close`` opens the run again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *exception: object) -> None:
        self._writer.__exit__(kind, *exception)


class RawMethods(Writer):
    """The way to a FileWriter, which much code that was written for the peers goes."""

    @property
    def file_writer(self) -> FileWriter:
        """What logs serialized messages through this writer; there also after ``close``."""
        return FileWriter.of(self)

    @property
    def all_writers(self) -> dict[str, FileWriter]:
        """``{logdir: file writer}``: one, as sub-runs need no writers of their own."""
        return {self.logdir: self.file_writer}

    def _get_file_writer(self) -> FileWriter:
        return self.file_writer


def message_bytes(message: Any, expected: str, error: type[Exception] = AttributeError) -> Source:
    """Return the bytes of a message as the array that a record holds.

    Args:
        message: any object with ``SerializeToString``, or the bytes.
        expected: the name of its type. A message that says it is of another one is a mistake.
        error: raised then, and for what is no message; the peers' exception.
    """
    if isinstance(message, (bytes, bytearray, memoryview)):
        data = message
    else:
        serialize = getattr(message, "SerializeToString", None)
        name = getattr(getattr(message, "DESCRIPTOR", None), "name", expected)
        if serialize is None or name != expected or isinstance(message, type):
            what = type(message).__name__
            raise error(
                f"expected the bytes of a protobuf {expected} or an object with SerializeToString,"
                f" not {what}"
            )
        data = serialize()
    return arrays.source(numpy.frombuffer(data, numpy.uint8), expected)
