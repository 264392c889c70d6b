"""What a process holds, looked at again and again from outside: memory, descriptors, threads."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tbxd.sinks.descriptors import DESCRIPTORS
from tests.bench.processes import memory_mb


@dataclass(frozen=True, slots=True)
class Sample:
    """A process at one moment."""

    rss_mb: float
    descriptors: int
    """Event files not counted: a daemon keeps those of the last 256 directories open."""
    event_files: int
    threads: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What still counts as flat."""

    growth_mb: float
    descriptors: int
    """More than were seen while it warmed up."""


@dataclass(slots=True)
class Vitals:
    """The samples of one process, oldest first."""

    pid: int
    samples: list[Sample] = field(default_factory=list)
    warm: int = 0
    """How many samples there were when its memory had become what it was to be."""

    def is_warm(self) -> None:
        """From now on its memory should not grow."""
        self.warm = len(self.samples)

    def sample(self) -> None:
        """Look at the process, which must be there."""
        names = [_target(path) for path in Path(f"/proc/{self.pid}/fd").iterdir()]
        event_files = sum("tfevents" in name for name in names)
        threads = len(os.listdir(f"/proc/{self.pid}/task"))
        self.samples.append(
            Sample(memory_mb(self.pid)[0], len(names) - event_files, event_files, threads)
        )

    def growth_mb(self) -> float:
        """Return how much more memory it has in the last third of the time than in the second.

        The time since it was warm. Medians: what comes and goes is no growth.
        """
        sizes = [each.rss_mb for each in self.samples[self.warm :]]
        cut = len(sizes) // 3
        return median(sizes[2 * cut :]) - median(sizes[cut : 2 * cut])

    def assert_flat(self, bounds: Bounds) -> None:
        """Compare the last third of the time with the first half."""
        count = len(self.samples)
        before, last = self.samples[: count // 2], self.samples[2 * count // 3 :]
        assert self.growth_mb() <= bounds.growth_mb, self
        most = max(each.descriptors for each in before)
        assert max(each.descriptors for each in last) <= most + bounds.descriptors, self
        assert max(each.threads for each in last) <= max(each.threads for each in before), self
        assert all(each.event_files <= DESCRIPTORS for each in self.samples), self

    def __str__(self) -> str:
        """Say what there was at most, and what has grown."""
        peak = max(each.rss_mb for each in self.samples)
        return (
            f"{len(self.samples)} looks, {peak:.1f} MB at most, {self.growth_mb():+.2f} MB, "
            + ", ".join(
                f"{min(counts)} to {max(counts)} {name}"
                for name, counts in (
                    ("descriptors", [each.descriptors for each in self.samples]),
                    ("event files", [each.event_files for each in self.samples]),
                    ("threads", [each.threads for each in self.samples]),
                )
            )
        )


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:
        # Closed between the listing and the look.
        return ""
