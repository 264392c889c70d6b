"""What a command logs, as the daemons of its directory know it: awaited, and missed.

Its processes tell the daemon which job they belong to. A daemon knows what was lost only of the
sessions that it has seen, and may leave, or be killed, before the command ends: so it is asked now
and then.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from typing import Any

from tbxd import leftovers
from tbxd.ask import ask
from tbxd.counted import counted
from tbxd_wire.errors import DaemonUnreachable

from .starting import START_TIMEOUT_S, make_sure_of_daemon

LOOK_S = 10.0
"""How often to :meth:`Job.look`: several times before a daemon leaves because nobody logs."""

_LOOK_TIMEOUT_S = 1.0
_POLL_S = 0.1


class Job:
    """All that one command logs.

    Attributes:
        name: what its processes find in ``$TBXD_JOB``.

    Args:
        directory: the runtime directory.
    """

    def __init__(self, directory: str) -> None:
        self.name = uuid.uuid4().hex
        self._directory = directory
        # What each session has lost as far as anybody has said, by session.
        self._lost: dict[str, str] = {}

    def look(self) -> None:
        """See what was lost by now, if a daemon answers soon; if that fails, nothing else does."""
        with contextlib.suppress(Exception):
            self._note(self._sessions(ask(self._directory, _LOOK_TIMEOUT_S)))

    def wait(self, timeout_s: float) -> list[str]:
        """Wait until all sessions have ended and are committed; return what is missing."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                facts = ask(self._directory, max(deadline - time.monotonic(), 1.0))
            except DaemonUnreachable as error:
                # It may have left because nobody logged for long. What came later is in journals.
                if not leftovers.journals(self._directory):
                    return list(self._lost.values())
                waiting = [str(error)]
                left_s = max(deadline - time.monotonic(), 0.0)
                try:
                    make_sure_of_daemon(self._directory, min(left_s, START_TIMEOUT_S))
                except DaemonUnreachable as unreachable:
                    waiting = [str(unreachable)]
            else:
                waiting = self._waiting(facts)
                if not waiting:
                    return self._missing(facts)
            if time.monotonic() >= deadline:
                return [
                    f"not everything was committed after {timeout_s:g} s: {text}"
                    for text in waiting
                ]
            time.sleep(_POLL_S)

    def _sessions(self, facts: dict[str, Any]) -> list[dict[str, Any]]:
        return [each for each in facts["sessions"] if each["job"] == self.name]

    def _waiting(self, facts: dict[str, Any]) -> list[str]:
        """Return what there is still to be done, the journals of nobody else among it."""
        waiting = [text for each in self._sessions(facts) if (text := _unfinished(each))]
        if awaited := facts["daemon"]["awaited_by_job"].get(self.name):
            who = counted(awaited, "process has", "processes have")
            waiting.append(f"{who} logged and not been heard of yet")
        if not waiting and (journals := facts["daemon"].get("waiting_by_job", {}).get(self.name)):
            waiting.append(counted(journals, "journal waits", "journals wait"))
        return waiting

    def _missing(self, facts: dict[str, Any]) -> list[str]:
        """Return what has not arrived, now that there is nothing more to be done."""
        sessions = self._sessions(facts)
        self._note(sessions)
        left_alone = facts["daemon"]["left_alone_by_job"].get(self.name, {})
        return [
            *self._lost.values(),
            # That may be taken back as long as there is a journal, and so is no news before.
            *(text for each in sessions if (text := _turned_away(each))),
            *(
                f"{counted(count, 'journal is', 'journals are')} left alone: {reason}"
                for reason, count in left_alone.items()
            ),
        ]

    def _note(self, sessions: list[dict[str, Any]]) -> None:
        for each in sessions:
            if text := _incomplete(each):
                self._lost[each["session"]] = text


def _unfinished(session: dict[str, Any]) -> str | None:
    """Return what a session still has to do, if anything."""
    if session["pending_bytes"] or session["recovering"]:
        trouble = f" ({session['trouble']})" if session["trouble"] else ""
        pending = counted(session["pending_bytes"], "byte")
        return f"{_name(session)} has {pending} to be written{trouble}"
    return f"{_name(session)} is still running" if session["state"] == "live" else None


def _incomplete(session: dict[str, Any]) -> str | None:
    """Return what a session has lost so far, if anything."""
    lost = []
    if session["shed"]:
        lost.append(f"{counted(session['shed'], 'record')} found its journal full")
    if session["gap_bytes"]:
        lost.append(f"{counted(session['gap_bytes'], 'byte')} could not be read")
    if refused := session["refused"] + session["unknown"]:
        what = counted(refused, "record was", "records were")
        lost.append(f"{what} refused: {session['refused_reason']}")
    return f"{_name(session)}: {'; '.join(lost)}" if lost else None


def _turned_away(session: dict[str, Any]) -> str | None:
    """Return why nothing more was taken from a session, if that is so."""
    if session["state"] != "rejected":
        return None
    return f"{_name(session)}: it was turned away: {session['trouble']}"


def _name(session: dict[str, Any]) -> str:
    place = f"{session['run']}/{session['role']}" if session["role"] else session["run"]
    return f"process {session['pid']} (logging to {place})"
