"""What `tbxd status` says, as Prometheus metrics.

The names and labels are part of the command's promise: they are only ever added to. Counters count
since the daemon began, over all sessions, also those that it has forgotten; a run has gauges for as
long as one of its sessions is at work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tbxd_wire.errors import DaemonUnreachable

from .ask import ask

_STATES = ("live", "closed", "died", "rejected")

_RUN_GAUGES = (
    ("lag_seconds", "lag_s", max, "Age of the newest written record while more waits behind it."),
    ("pending_bytes", "pending_bytes", sum, "Bytes that are logged and not yet in an event file."),
    ("records_per_second", "rate", sum, "Records taken over, over the last few seconds."),
)
"""A gauge of a run, the fact of a session, and what makes one of those of several sessions."""


class DaemonCollector(Collector):
    """Asks the daemon anew for each collection.

    Args:
        directory: the daemon's runtime directory.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is, the daemon is asked when it is collected, not when registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield ``tbxd_up``, and if it is 1 all others."""
        try:
            facts = ask(self._directory)
        except DaemonUnreachable:
            facts = None
        yield _gauge("up", "Whether the daemon answers.", 0 if facts is None else 1)
        if facts is not None:
            yield from families(facts)


def families(facts: dict[str, Any]) -> Iterator[Metric]:
    """Yield the metrics of one status report (see :mod:`tbxd.report`)."""
    daemon, totals, sessions = facts["daemon"], facts["totals"], facts["sessions"]
    yield _gauge("uptime_seconds", "Since the daemon began.", daemon["uptime_s"])
    yield _gauge("resident_memory_bytes", "Of the daemon.", daemon["rss_bytes"])
    yield _gauge("open_descriptors", "Of the daemon.", daemon["open_descriptors"])
    yield _gauge("connections", "That the daemon has.", daemon["connections"])
    yield _gauge("connections_limit", "That there can be.", daemon["connections_limit"])
    yield _counter(
        "full", "Times that there were as many connections as can be.", daemon["times_full"]
    )
    yield _gauge(
        "journals_waiting",
        "Journals of processes that are gone, not yet in event files.",
        daemon["journals_waiting"],
    )
    yield _gauge(
        "journals_left_alone",
        "Journals that this daemon may not, or cannot, write into event files.",
        daemon["journals_left_alone"],
    )
    yield _counter("turned_away", "Hellos answered with a no.", daemon["turned_away"])
    yield _counter(
        "malformed_messages", "Messages that could not be read.", daemon["malformed_messages"]
    )
    yield _counter("records", "Records taken over, lost ones included.", totals["records"])
    yield _counter("received_bytes", "Bytes of records taken over.", totals["bytes"])
    yield _counter("lost_bytes", "Bytes of sessions that nobody could read.", totals["gap_bytes"])
    yield _counter("steps_back", "Records whose step went back.", totals["steps_back"])
    lost = CounterMetricFamily(
        "tbxd_records_lost", "Records that are in no event file.", labels=["reason"]
    )
    for reason, fact in (
        ("journal_full", "shed"),
        ("refused", "refused"),
        ("unknown_kind", "unknown"),
    ):
        lost.add_metric([reason], totals[fact])
    yield lost
    states = Counter(session["state"] for session in sessions)
    known = GaugeMetricFamily(
        "tbxd_sessions", "Sessions that the daemon knows now.", labels=["state"]
    )
    for state in _STATES:
        known.add_metric([state], states[state])
    yield known
    yield from _runs(sessions)


def _runs(sessions: list[dict[str, Any]]) -> Iterator[Metric]:
    """Yield the gauges of the runs that are at work."""
    by_run: dict[str, list[dict[str, Any]]] = {}
    for session in sessions:
        if session["state"] == "live" or session["pending_bytes"]:
            by_run.setdefault(session["run"], []).append(session)
    for name, fact, together, text in _RUN_GAUGES:
        family = GaugeMetricFamily(f"tbxd_run_{name}", text, labels=["run"])
        for run, members in by_run.items():
            family.add_metric([run], together(member[fact] for member in members))
        yield family
    held_up = GaugeMetricFamily(
        "tbxd_run_held_up", "Sessions that something holds up, such as a full disk.", labels=["run"]
    )
    for run, members in by_run.items():
        held_up.add_metric([run], sum(member["trouble"] is not None for member in members))
    yield held_up


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tbxd_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"tbxd_{name}", text, value=value)
