"""From a batch's bytes to events in their run directories: the daemon's hot loop.

An ordinary scalar (five fields, a step or none) is decoded, checked, encoded and counted inline,
in about 1.2 us; every other record takes the long road through :mod:`tbxd_wire.records` and the
encoders' table, which alone decides what is valid, and what is slow to encode goes to the pool.
Nothing is allocated per scalar but its event.
"""

from __future__ import annotations

from math import inf
from zlib import crc32

import msgpack

from tbxd.encode import UnknownKind, encode, is_slow, tags
from tbxd.encode.scalar import encode as encode_scalar
from tbxd.sinks.run_directory import RunDirectory
from tbxd_wire import records
from tbxd_wire.errors import FrameError, RecordError
from tbxd_wire.frame import HEADER, HEADER_BYTES, body_at
from tbxd_wire.kinds import Kind
from tbxd_wire.limits import STEP_MAX

from .pool import Pool
from .portion import Gathered, Owed
from .stream import Stream

_SCALAR = int(Kind.SCALAR)
_SESSION_START = int(Kind.SESSION_START)
_SHORT_BYTES = 64 * 1024
"""A longer record is no plain scalar, and not decoded before it is known what it may become."""

_unpack_header = HEADER.unpack_from
_unpack = msgpack.unpackb


def take(stream: Stream, pool: Pool, position: int, frames: memoryview) -> None:
    """Take over the frames that begin at ``position``, which is where the session stands.

    Args:
        stream: the session.
        pool: encodes what is slow.
        position: in the session's stream.
        frames: kept as long as the pool works on one of them.

    Raises:
        FrameError: at bytes that are no whole, valid frame.
        OSError: a directory cannot be looked into now; the same frames may be offered again.

    Guarantees:
        Whether it raises or not: the frames up to the session's new position are taken over, each
        with all its events, and no others.
    """
    directory = stream.directory("")
    batch = _Batch(stream, pool, directory, position)
    events, starts = batch.main_lists()
    append = events.append
    see = directory.steps.see
    went_back = directory.steps.went_back
    start = count = 0
    size = len(frames)
    step: int | None = None
    wall_time: float | None = None
    last_step, last_wall_time = stream.entry.last_step, stream.entry.last_wall_time
    try:
        while start < size:
            body = start + HEADER_BYTES
            if body > size:
                raise FrameError(position + start, "too few bytes for a header")
            length, checksum = _unpack_header(frames, start)
            end = body + length
            if end > size or not 0 < length <= _SHORT_BYTES:
                # No frame at all, or a long one, or one with arrays, whose length has a mark.
                try:
                    end, content = body_at(frames, start)
                except FrameError as error:
                    raise FrameError(position + start, error.reason) from None
                step, wall_time = batch.take_other(position + start, position + end, content)
                last_step = last_step if step is None else step
                last_wall_time = last_wall_time if wall_time is None else wall_time
                events, starts = batch.main_lists()
                append = events.append
                count += 1
                start = end
                continue
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
                    append(event)
                    if starts is not None:
                        starts.append(position + start)
                    see(tag, step)
                    last_step = last_step if step is None else step
                    last_wall_time = wall_time
                    count += 1
                    start = end
                    continue
            except (ValueError, TypeError, msgpack.UnpackException):
                # The long road finds out what it is.
                pass
            step, wall_time = batch.take_other(position + start, position + end, content)
            last_step = last_step if step is None else step
            last_wall_time = last_wall_time if wall_time is None else wall_time
            events, starts = batch.main_lists()
            append = events.append
            count += 1
            start = end
    finally:
        entry = stream.entry
        entry.records += count
        entry.bytes += start
        entry.steps_back += directory.steps.went_back - went_back + batch.steps_back
        entry.last_step, entry.last_wall_time = last_step, last_wall_time
        batch.finish(position + start)


class _Batch:
    """What one batch brings, portion by portion, and the long road for all but plain scalars."""

    __slots__ = ("_gathered", "_main", "_pool", "_stream", "steps_back")

    def __init__(self, stream: Stream, pool: Pool, main: RunDirectory, begin: int) -> None:
        self._stream = stream
        self._pool = pool
        self._main = main
        self._gathered = Gathered(begin)
        self.steps_back = 0
        """Steps that went back in directories other than the author's own."""

    def main_lists(self) -> tuple[list[bytes], list[int] | None]:
        """Return where events for the author's own directory go: see ``Gathered.lists``."""
        return self._gathered.lists(self._main, self._stream.name)

    def take_other(
        self, start: int, end: int, content: memoryview
    ) -> tuple[int | None, float | None]:
        """Take over one record of any kind, whose frame is [start, end).

        Returns:
            Its step and wall time; Nones if it was refused.

        Raises:
            OSError: nothing of the record was taken over.
        """
        stream = self._stream
        try:
            record = records.decode(content)
            names = tuple(tags(record))
            if is_slow(record, len(content)):
                self._owe(start, end, record, names)
                return record[2], record[3]
            targets = stream.targets(encode(record))
        except UnknownKind as error:
            stream.entry.unknown += 1
            stream.entry.refusals.count(str(error))
            return None, None
        except RecordError as error:
            stream.refuse(str(error))
            return None, None
        except OSError:
            # RecordError aside, the only one that is about the world and not about the record.
            raise
        except Exception as error:
            stream.fail(error)
            return None, None
        for directory, event in targets:
            self._gathered.add(directory, stream.name, start, event)
            if record[0] == _SESSION_START:
                directory.steps.restart()
            before = directory.steps.went_back
            directory.steps.see_all(names, record[2])
            if directory is not self._main:
                self.steps_back += directory.steps.went_back - before
        return record[2], record[3]

    def finish(self, end: int) -> None:
        """Hand over what is gathered; the session stands at ``end`` now."""
        self._gathered.end = end
        self._stream.accept(self._gathered)

    def _owe(self, start: int, end: int, record: records.Record, names: tuple[str, ...]) -> None:
        """Give a record to the pool; what follows it is another portion."""
        self._main.steps.see_all(names, record[2])
        self.finish(start)
        self._stream.accept(Owed(start, end, record, self._pool, self._stream.place))
        self._gathered = Gathered(end)
