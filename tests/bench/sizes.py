"""How much each measurement does. Never how it does it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """The amounts of one run of the bench; durations in seconds of wall time."""

    burst_warmup_calls: int
    """Calls before the burst is measured: the first ones touch fresh memory and start threads."""

    burst_loop_s: float
    """Length of the sustained loop without a timer, and of the one that times each call."""

    paced_ticks: int
    """Groups of ten scalars in the paced measurement, one every 5 ms."""

    end_to_end_s: float
    """The end-to-end measurement logs about as many scalars as the backend writes in this time."""

    latency_s: float
    """How long the latency measurement logs, at about 200 scalars a second."""

    latency_wait_s: float
    """How long a record may take to become readable before it counts as cut off."""

    imports: int
    """Fresh interpreters that time the import; the median of them is the round's figure."""

    idle_s: float
    """How long the idle client is watched."""

    memory_s: float
    """The memory measurement logs about as many scalars as the backend writes in this time."""

    bulk_s: float
    """How long each kind with arrays is logged, at the least."""

    bulk_warmup_steps: int
    """Steps before they count: the first ones touch fresh memory, import, and start threads."""

    bulk_steps: int
    """Steps that count, at the least: some calls take a second."""

    training_groups: int
    """Groups of two stretches of training steps with logging and two without."""

    reference_records: int
    """Records of each event file that TensorBoard's own reader reads too (it takes 30 us each)."""


FULL = Sizes(
    burst_warmup_calls=5_000,
    burst_loop_s=1.0,
    paced_ticks=500,
    end_to_end_s=2.5,
    latency_s=3.0,
    latency_wait_s=2.0,
    imports=3,
    idle_s=3.0,
    memory_s=2.5,
    bulk_s=2.5,
    bulk_warmup_steps=3,
    bulk_steps=5,
    training_groups=60,
    reference_records=5_000,
)

QUICK = Sizes(
    burst_warmup_calls=200,
    burst_loop_s=0.05,
    paced_ticks=20,
    end_to_end_s=0.1,
    latency_s=0.2,
    latency_wait_s=0.3,
    imports=1,
    idle_s=0.3,
    memory_s=0.1,
    bulk_s=0.1,
    bulk_warmup_steps=1,
    bulk_steps=1,
    training_groups=1,
    reference_records=500,
)

LONG_RECORDS = 10_000_000
"""Scalars that one trainer logs flat out in the memory measurement under ``--long``."""
