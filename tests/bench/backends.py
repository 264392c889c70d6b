"""Who is measured: one row each. To add a backend, add its row.

The package of a backend is imported when a writer is opened, in the measured process, and never by
the bench itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Writer(Protocol):
    """What the bench calls of a SummaryWriter. The measured method is the backend's own."""

    def add_scalar(self, tag: str, value: float, step: int, /) -> object:
        """Log one scalar."""
        ...

    def flush(self) -> object:
        """Return when what was logged is in the event file, as far as the backend promises it."""
        ...

    def close(self) -> object:
        """Flush and end."""
        ...


@dataclass(frozen=True, slots=True)
class Backend:
    """One subject of the bench."""

    name: str
    open: Callable[[str], Writer]
    """Opens a writer on a log directory, with the backend's defaults."""

    import_statement: str
    """What a user's script says to get the writer; its cost beyond numpy is measured."""

    records_per_s: float
    """Rough rate at which the backend writes; only sizes the measurements, is never reported."""

    flush: Callable[[Writer], object] = lambda writer: writer.flush()
    daemon: bool = False
    """A process of its own, found through the runtime directory, does the writing."""

    daemon_import_statement: str = ""
    """What an interpreter imports to be measured as a daemon that does nothing (floors only)."""


def _open_tbxd(logdir: str) -> Writer:
    from tbxd_client import SummaryWriter

    return SummaryWriter(logdir)


def _flush_tbxd(writer: Writer) -> object:
    # The default timeout suits training; ten million scalars of backlog take longer.
    return writer.flush(timeout_s=300.0)  # type: ignore[call-arg]


def _open_tensorboardx(logdir: str) -> Writer:
    from tensorboardX import SummaryWriter

    return SummaryWriter(logdir)  # type: ignore[no-any-return]


def _open_torch(logdir: str) -> Writer:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(logdir)


def _open_mapped(logdir: str) -> Writer:
    from .floor import MappedWriter

    return MappedWriter(logdir)


def _open_direct(logdir: str) -> Writer:
    from .floor import DirectWriter

    return DirectWriter(logdir)


def _open_single(logdir: str) -> Writer:
    from .floor import DirectWriter

    return DirectWriter(logdir, batch_records=1)


TBXD = Backend(
    name="tbxd",
    open=_open_tbxd,
    import_statement="from tbxd_client import SummaryWriter",
    records_per_s=400_000,
    flush=_flush_tbxd,
    daemon=True,
)
TENSORBOARDX = Backend(
    name="tensorboardX",
    open=_open_tensorboardx,
    import_statement="from tensorboardX import SummaryWriter",
    records_per_s=15_000,
)
TORCH = Backend(
    name="torch",
    open=_open_torch,
    import_statement="from torch.utils.tensorboard import SummaryWriter",
    records_per_s=15_000,
)

MEASURED = (TBXD, TENSORBOARDX, TORCH)
"""The backends in the order of the table's columns."""

MAPPED_FLOOR = Backend(
    name="mapped floor",
    open=_open_mapped,
    import_statement="import mmap, msgpack, zmq",
    records_per_s=400_000,
    daemon_import_statement="import google.protobuf.message, google_crc32c, msgpack, zmq",
)
DIRECT_FLOOR = Backend(
    name="direct floor",
    open=_open_direct,
    import_statement="import google_crc32c",
    records_per_s=400_000,
)
SINGLE_FLOOR = Backend(
    name="single floor",
    open=_open_single,
    import_statement="import google_crc32c",
    records_per_s=100_000,
)
FLOORS = (MAPPED_FLOOR, DIRECT_FLOOR, SINGLE_FLOOR)

BY_NAME = {backend.name: backend for backend in (*MEASURED, *FLOORS)}
