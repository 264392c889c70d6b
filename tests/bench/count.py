"""How many of the scalars that were logged are in the event files: read back, not assumed.

Every record is checked, both its checksums, and decoded with TensorBoard's own message class; the
beginning of each file is read by TensorBoard's own reader too, which must see the same bytes.
"""

from __future__ import annotations

import itertools
import mmap
import os
from dataclasses import dataclass

from .framing import DamagedFile, checked


@dataclass(frozen=True, slots=True)
class Count:
    """Of the steps 0 to n-1 of one tag: how many are not in the files, how many more than once."""

    missing: int
    twice: int


def event_files(logdir: str) -> dict[str, int]:
    """Return the size in bytes, at this moment, of each event file under ``logdir``."""
    return {
        path: os.stat(path).st_size
        for directory, _, names in os.walk(logdir)
        for path in (os.path.join(directory, name) for name in sorted(names))
        if "tfevents" in os.path.basename(path)
    }


def count_scalars(files: dict[str, int], tag: str, records: int, reference_records: int) -> Count:
    """Count the steps below ``records`` of ``tag`` in the first bytes of each file.

    Args:
        files: paths, and how many bytes of each to read.
        reference_records: how many records of each file TensorBoard's own reader checks.

    Raises:
        DamagedFile: a record is damaged, or TensorBoard's reader sees another one.
    """
    from tensorboard.compat.proto.event_pb2 import Event

    seen = bytearray(records)
    event = Event()
    for path, size in files.items():
        if size == 0:
            continue
        with (
            open(path, "rb") as file,
            mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as content,
        ):
            _compare_with_tensorboard(path, content, reference_records)
            for data in checked(content):
                event.ParseFromString(data)
                for value in event.summary.value:
                    if value.tag == tag and 0 <= event.step < records:
                        seen[event.step] = min(seen[event.step] + 1, 2)
    return Count(missing=seen.count(0), twice=seen.count(2))


def _compare_with_tensorboard(path: str, content: mmap.mmap, records: int) -> None:
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader

    theirs = RawEventFileLoader(path).Load()
    for index, (mine, other) in enumerate(
        zip(itertools.islice(checked(content), records), theirs, strict=False)
    ):
        if mine != other:
            raise DamagedFile(f"{path}: TensorBoard's reader sees another record {index}")
