"""From a batch's bytes to events in their run directories: the daemon's hot loop.

An ordinary scalar (five fields, a step or none) is decoded, checked, encoded and counted inline,
in about 1.2 us; every other record takes the long road through :mod:`tbxd_wire.records` and the
encoders' table, which alone decides what is valid. Nothing is allocated per record but its event.
"""

from __future__ import annotations

import logging
from math import inf
from zlib import crc32

import msgpack

from tbxd.encode import UnknownKind, encode, tags
from tbxd.encode.scalar import encode as encode_scalar
from tbxd.sinks.run_directory import RunDirectory
from tbxd_wire import records
from tbxd_wire.errors import FrameError, RecordError
from tbxd_wire.frame import HEADER, HEADER_BYTES
from tbxd_wire.kinds import Kind
from tbxd_wire.limits import FRAME_BODY_BYTES, STEP_MAX

from .stream import Stream

_log = logging.getLogger(__name__)

_SCALAR = int(Kind.SCALAR)
_SESSION_START = int(Kind.SESSION_START)
_unpack_header = HEADER.unpack_from
_unpack = msgpack.unpackb


def take(stream: Stream, position: int, frames: memoryview) -> None:
    """Take over the frames that begin at ``position``, which is where the session stands.

    Raises:
        FrameError: at bytes that are no whole, valid frame.
        OSError: a directory cannot be looked into now; the same frames may be offered again.

    Guarantees:
        Whether it raises or not: the frames up to the session's new position are taken over, each
        with all its events, and no others.
    """
    directory = stream.directory("")
    batch = _Batch(stream, directory)
    progress = directory.progress.get(stream.name)
    written = None if progress is None else progress.written
    see = directory.steps.see
    went_back = directory.steps.went_back
    events: list[bytes] = []
    append = events.append
    batch.gathered[directory] = events
    start = count = 0
    size = len(frames)
    step: int | None = None
    wall_time: float | None = None
    try:
        while start < size:
            body = start + HEADER_BYTES
            if body > size:
                raise FrameError(position + start, "too few bytes for a header")
            length, checksum = _unpack_header(frames, start)
            end = body + length
            if end > size or not 0 < length <= FRAME_BODY_BYTES:
                raise FrameError(position + start, f"no body of {length} bytes can be there")
            content = frames[body:end]
            if crc32(content) != checksum:
                raise FrameError(position + start, "wrong checksum")
            try:
                kind, tag, step, wall_time, value = _unpack(content)
                # Infinity and NaN fail the comparison of the wall time.
                if (
                    kind == _SCALAR
                    and type(tag) is str
                    and (step is None or (type(step) is int and 0 <= step <= STEP_MAX))
                    and type(wall_time) is float
                    and -inf < wall_time < inf
                ):
                    event = encode_scalar(tag, step, wall_time, value)
                    if written is None or not written(position + start):
                        append(event)
                    see(tag, step)
                    count += 1
                    start = end
                    continue
            except (ValueError, TypeError, msgpack.UnpackException):
                # What was unpacked is not to be trusted with anything.
                step = wall_time = None
            step, wall_time = batch.take_other(position + start, content)
            count += 1
            start = end
    finally:
        entry = stream.entry
        entry.records += count
        entry.bytes += start
        entry.steps_back += directory.steps.went_back - went_back + batch.steps_back
        if step is not None:
            entry.last_step = step
        if wall_time is not None:
            entry.last_wall_time = wall_time
        batch.finish(position, position + start)


class _Batch:
    """What one batch has gathered, and the long road for its records that are no plain scalars."""

    __slots__ = ("_main", "_stream", "gathered", "steps_back")

    def __init__(self, stream: Stream, main: RunDirectory) -> None:
        self._stream = stream
        self._main = main
        self.gathered: dict[RunDirectory, list[bytes]] = {}
        """The new events for each directory that the batch has any event for."""
        self.steps_back = 0
        """Steps that went back in directories other than the author's own."""

    def take_other(self, start: int, content: memoryview) -> tuple[int | None, float | None]:
        """Take over one record of any kind, whose frame starts at ``start``.

        Returns:
            Its step and wall time; Nones if it was refused.

        Raises:
            OSError: nothing of the record was taken over.
        """
        entry = self._stream.entry
        try:
            record = records.decode(content)
            pairs = encode(record)
            names = tuple(tags(record))
            targets = [(self._stream.directory(relative), event) for relative, event in pairs]
        except UnknownKind as error:
            entry.unknown += 1
            entry.refused_reason = str(error)
            return None, None
        except RecordError as error:
            self._refuse(str(error))
            return None, None
        except OSError:
            # RecordError aside, the only one that is about the world and not about the record.
            raise
        except Exception as error:
            # An encoder that fails on what it should have refused is our mistake. It costs the
            # record, never the stream and never the daemon.
            _log.exception("a record of %s cannot be encoded", self._stream.entry.path)
            self._refuse(f"internal error: {error!r}")
            return None, None
        for directory, event in targets:
            events = self.gathered.setdefault(directory, [])
            progress = directory.progress.get(self._stream.name)
            if progress is None or not progress.written(start):
                events.append(event)
            if record[0] == _SESSION_START:
                directory.steps.restart()
            before = directory.steps.went_back
            directory.steps.see_all(names, record[2])
            if directory is not self._main:
                self.steps_back += directory.steps.went_back - before
        return record[2], record[3]

    def finish(self, begin: int, end: int) -> None:
        """Hand everything gathered to its directories; the session stands at ``end`` now."""
        stream = self._stream
        for directory, events in self.gathered.items():
            directory.add(stream.name, begin, end, events)
            stream.touched.add(directory)
        stream.entry.session.accept(end)

    def _refuse(self, reason: str) -> None:
        entry = self._stream.entry
        entry.refused += 1
        entry.refused_reason = reason
