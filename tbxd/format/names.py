"""How the event files of a run directory are called."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tbxd_wire.paths import safe_suffix

MARKER = "tfevents"
"""TensorBoard reads every file whose name contains this, so no other file of ours may."""

_DATED = re.compile(r"events\.out\.tfevents\.([0-9]+)")
_NO_HOST_CHARACTER = re.compile(r"[^A-Za-z0-9._-]")
_HOST_CHARACTERS = 64
"""HOST_NAME_MAX of Linux."""


def event_file_name(
    existing: Iterable[str], wall_time: float, host: str, pid: int, counter: int, suffix: str
) -> str:
    """Return a name that sorts behind every event file in ``existing``.

    Readers take the files of a run in the order of their names, so a later file must never sort
    before an earlier one: neither when both begin in the same second, nor when the clock went
    back. Where the time alone does not do, the name claims a later one.

    Args:
        existing: names of the files in the directory; those that are not called
            ``events.out.tfevents.<digits>`` have no order that could be kept.
        wall_time: seconds since 1970.
        host: any text; what a file name should not hold is replaced.
        pid: of this process.
        counter: distinguishes the files of one process.
        suffix: end of the name.

    Raises:
        RecordError: ``suffix`` cannot end a file's name.
    """
    digits = f"{max(int(wall_time), 0):010d}"
    latest = max((match[1] for name in existing if (match := _DATED.match(name))), default="")
    if latest >= digits:
        digits = str(int(latest) + 1).zfill(len(latest))
        if len(digits) > len(latest):
            # All nines: with one more digit it sorts behind, as "." sorts before every digit.
            digits = latest + "0"
    plain_host = _NO_HOST_CHARACTER.sub("_", host)[:_HOST_CHARACTERS] or "_"
    return f"events.out.{MARKER}.{digits}.{plain_host}.{pid}.{counter}{safe_suffix(suffix)}"
