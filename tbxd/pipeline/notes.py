"""Notes in a run about the sessions that write there: who began, how it ended, what was lost.

A note is the daemon's own word, beside the sessions' streams: a daemon that dies right then may
leave one out, or have it twice. It never makes a directory or the first event file of one: where a
user has cleared up, nothing comes back.

The steps of the texts are milliseconds since 1970, rising in each directory: TensorBoard shows a
text behind another one of its tag only if its step is higher, also across restarts.
"""

from __future__ import annotations

import time

from tbxd.counted import counted
from tbxd.encode import note
from tbxd.intake.entry import Entry
from tbxd.intake.session import State
from tbxd.sinks.run_directory import RunDirectory

_ENDS = {
    State.LIVE: "**ended cleanly**",
    State.CLOSED: "**ended cleanly**",
    State.DIED: "**died**: the process is gone without having closed its writer",
    State.REJECTED: "**turned away**",
}
"""LIVE: what a session that has just said goodbye still is until all is committed."""


class Notes:
    """Gathers notes for the next round.

    Args:
        enabled: whether anything is noted at all.
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        """Whether anybody is to call the methods below."""
        self.touched: set[RunDirectory] = set()
        """The directories that got notes since the last round."""

    def began(self, entry: Entry, directory: RunDirectory, *, alone: bool) -> None:
        """Note that a session has brought its first records.

        Args:
            entry: the session.
            directory: its author's own.
            alone: no other session writes there now, so that event files that are there already
                are those of an earlier one.
        """
        resumed = alone and directory.has_event_files()
        what = "**resumed**" if resumed else "**started**"
        text = _text(entry, directory, what, entry.session.hello.started, "")
        self._add(directory, text, waits=True)

    def ended(self, entry: Entry, directory: RunDirectory) -> None:
        """Note how a session that logged something has ended."""
        entry.end_noted = True
        self.lost(entry, directory)
        reason = entry.session.rejection
        how = _ENDS[entry.session.state] + (f": {reason}" if reason else "")
        if cause := entry.session.cause:
            how = f"**died** of {cause}"
        self._add(directory, _text(entry, directory, how, time.time(), _last(entry)))

    def lost(self, entry: Entry, directory: RunDirectory) -> None:
        """Note how many records a session has lost, if they are more than the last time."""
        for tag, records, noted in zip(note.LOST_TAGS, entry.lost, entry.lost_noted, strict=True):
            if records > noted:
                self._add(directory, note.lost(tag, records, entry.last_step, time.time()))
        entry.lost_noted = entry.lost

    def _add(self, directory: RunDirectory, event: bytes, *, waits: bool = False) -> None:
        directory.note(event, waits=waits)
        self.touched.add(directory)


def _text(entry: Entry, directory: RunDirectory, what: str, when: float, more: str) -> bytes:
    """Return the event of a text about a session, behind all others of the directory."""
    now = time.time()
    hello = entry.session.hello
    job = f", job {hello.job}" if hello.job else ""
    markdown = f"{what}\n\npid {hello.pid} on {hello.host}{job}, {_clock(when)}{more}"
    return note.lifecycle(markdown, directory.note_steps.next(now), now)


def _last(entry: Entry) -> str:
    """Return what there is to say of a session's last record."""
    parts = []
    if entry.last_step is not None:
        parts.append(f"last step {entry.last_step:,}")
    if entry.last_wall_time is not None:
        parts.append(f"last record {_clock(entry.last_wall_time)}")
    if entry.shed:
        parts.append(f"{counted(entry.shed, 'record')} shed because its journal was full")
    for reason, records in entry.refusals.by_reason.items():
        parts.append(f"{counted(records, 'record')} refused: {reason}")
    return "".join(f"; {part}" for part in parts)


def _clock(wall_time: float) -> str:
    """Return a time that every reader understands; what is no time of a calendar as it is."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(wall_time))
    except (ValueError, OverflowError, OSError):
        return f"{wall_time} s since 1970"
