"""What `tbxd status` says: the facts of the daemon and of each of its sessions.

The keys are part of the command's promise (``tbxd status --json``): they are only ever added to.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from . import health
from .intake.roster import Roster
from .intake.session import State


def facts(
    directory: str,
    roster: Roster,
    journals_waiting: int,
    waiting_by_job: dict[str, int],
    left_alone: Mapping[tuple[str, str], int],
    awaited: dict[str, int],
    turned_away: dict[str, int],
    malformed_messages: int,
    connections: Mapping[str, Any],
    uptime_s: float,
    now: float,
    wall_time: float,
    version: str,
) -> dict[str, Any]:
    """Return the answer to a STATUS.

    Args:
        directory: the runtime directory.
        roster: all sessions.
        journals_waiting: dead journals that are not in the event files yet.
        waiting_by_job: how many of them are of each job.
        left_alone: for each job and reason, how many journals this daemon does not touch.
        awaited: for each job, how many of its sessions live that have not said hello yet.
        turned_away: for each reason, how many hellos were answered with a no since it began.
        malformed_messages: messages that could not be read since the daemon began.
        connections: facts of those that there are (tbxd.door).
        uptime_s: seconds since the daemon began.
        now: the monotonic clock.
        wall_time: seconds since 1970.
        version: the daemon's release.
    """
    by_reason: dict[str, int] = {}
    by_job: dict[str, dict[str, int]] = {}
    for (job, reason), count in left_alone.items():
        by_reason[reason] = by_reason.get(reason, 0) + count
        if job:
            by_job.setdefault(job, {})[reason] = count
    return {
        "daemon": {
            "version": version,
            "pid": os.getpid(),
            "uptime_s": round(uptime_s, 3),
            "rss_bytes": health.rss_bytes(),
            "open_descriptors": health.open_descriptors(),
            "directory": directory,
            "sessions": sum(entry.session.state is State.LIVE for entry in roster),
            "journals_waiting": journals_waiting,
            "waiting_by_job": waiting_by_job,
            "journals_left_alone": sum(left_alone.values()),
            "left_alone_by_reason": by_reason,
            "left_alone_by_job": by_job,
            "awaited_by_job": awaited,
            "turned_away": sum(turned_away.values()),
            "turned_away_by_reason": turned_away,
            "malformed_messages": malformed_messages,
            **connections,
        },
        "totals": roster.totals().facts(),
        "sessions": roster.facts(now, wall_time),
    }
