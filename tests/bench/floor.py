"""The physical floors: the least work that could do the job, written as backends.

They are measured by the same code as the real ones, in the same rounds, so that a slow moment of
the machine shows on both sides of a comparison. They promise nothing: no lock, no fork, no limit,
no recovery. :class:`MappedWriter` is the caller's half of tbxd's job, :class:`DirectWriter` the
daemon's half.
"""

from __future__ import annotations

import mmap
import os
import time
from typing import Any
from zlib import crc32

import msgpack
import numpy as np
from tensorboard.compat.proto.event_pb2 import Event

from .framing import record_header, record_trailer

_MAPPING_BYTES = 4 << 20


class MappedWriter:
    """Packs each scalar with msgpack, adds zlib's CRC-32 and copies both into a mapped file.

    The mapping, a segment's size, lies where tbxd's journals lie, is reserved and warm, and is
    written over and over: what a journal costs when everything else about it is free.
    """

    def __init__(self, logdir: str) -> None:
        self._map = _warm_mapping("floor.mapping")
        self._arrays = _warm_mapping("floor.arrays")
        self._arrays_used = 0
        self._step = -1
        self._pack = msgpack.Packer().pack
        self._used = 0

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Put one scalar's frame into the mapping."""
        body = self._pack((1, tag, step, time.time(), value))
        frame = len(body).to_bytes(4, "little") + crc32(body).to_bytes(4, "little") + body
        start = self._used
        end = start + len(frame)
        if end > _MAPPING_BYTES:
            start, end = 0, len(frame)
        self._map[start:end] = frame
        self._used = end

    def add_histogram(self, tag: str, values: Any, global_step: int) -> None:
        """Copy an array into a mapping: each of a step's to a place of its own, as none may be
        overwritten before it is sent; those of the next step to the same places."""
        if global_step != self._step:
            self._step, self._arrays_used = global_step, 0
        start = self._arrays_used
        self._arrays_used = end = start + values.nbytes
        self._arrays[start:end] = np.asarray(values).data.cast("B")

    add_image = add_video = add_audio = add_mesh = add_histogram

    def add_embedding(self, mat: np.ndarray[Any, Any], global_step: int) -> None:
        """Copy an embedding's points."""
        self.add_histogram("", mat, global_step)

    def flush(self) -> None:
        """Do nothing: there is nowhere to send it."""

    def close(self) -> None:
        """Unmap the files."""
        self._map.close()
        self._arrays.close()


def _warm_mapping(name: str) -> mmap.mmap:
    path = os.path.join(os.environ["TBXD_DIR"], name)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.posix_fallocate(descriptor, 0, _MAPPING_BYTES)
    mapping = mmap.mmap(descriptor, _MAPPING_BYTES)
    os.close(descriptor)
    mapping[:] = bytes(_MAPPING_BYTES)
    return mapping


class DirectWriter:
    """Encodes each scalar as an event and writes them in batches, in the caller's thread.

    One re-used message, two CRC-32C per record, one join and one write per batch.
    """

    def __init__(self, logdir: str, batch_records: int = 1000) -> None:
        os.makedirs(logdir, exist_ok=True)
        self._descriptor = os.open(
            os.path.join(logdir, "events.out.tfevents.floor"),
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND,
            0o600,
        )
        self._event = Event()
        self._value = self._event.summary.value.add()
        self._batch: list[bytes] = []
        self._batch_parts = 3 * batch_records

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Encode one scalar; the last one of a batch writes it."""
        event, summary_value, batch = self._event, self._value, self._batch
        event.wall_time = time.time()
        event.step = step
        summary_value.tag = tag
        summary_value.simple_value = value
        data = event.SerializeToString()
        batch += (record_header(len(data)), data, record_trailer(data))
        if len(batch) >= self._batch_parts:
            self.flush()

    def flush(self) -> None:
        """Write what is gathered."""
        os.write(self._descriptor, b"".join(self._batch))
        self._batch.clear()

    def close(self) -> None:
        """Flush and close the file."""
        self.flush()
        os.close(self._descriptor)
