"""What must hold: the ONE table of the bench's lines, with their units and budgets.

The budgets are those of DESIGN.md, section 8, and hold for tbxd. A line without one is shown for
what it explains.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    A line with ``ratio_to`` shows how many times better tbxd is than that backend, round by round:
    theirs divided by ours, or ours by theirs where ``larger_is_better``.

    A line with ``floor_share`` (times, plus) shows what part of ``times`` floors and ``plus`` more
    (in the figure's unit) tbxd takes, round by round.
    """

    measurement: str
    figure: str
    title: str
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    ratio_to: str | None = None
    floor_share: tuple[float, float] | None = None
    larger_is_better: bool = False


def _bulk(measurement: str, title: str, times: float, plus_us: float) -> tuple[Line, ...]:
    """Return the lines of one kind with arrays: the call, and how it stands to the floor."""
    allowed = f"{times:g} floors" + (f" and {plus_us:g} us" if plus_us else "")
    return (
        Line(measurement, "p50_us", f"{title}: p50", "us"),
        Line(
            measurement,
            "p50_us",
            f"  tbxd's / {allowed}",
            "x",
            at_most=1,
            floor_share=(times, plus_us),
        ),
        Line(measurement, "first_us", "  the first call of a step: p50", "us"),
    )


LINES = (
    Line("burst", "mean_us", "add_scalar, flat out: mean", "us", at_most=1.5),
    Line(
        "burst",
        "mean_us",
        "  tensorboardX's mean / tbxd's",
        "x",
        at_least=30,
        ratio_to="tensorboardX",
    ),
    Line("burst", "cpu_us", "  of it, the calling thread on a core", "us"),
    Line("burst", "p50_us", "  p50 (contains the timer)", "us"),
    Line("burst", "p99_us", "  p99", "us"),
    Line("burst", "p99_9_us", "  p99.9", "us", at_most=50),
    Line("burst", "timer_us", "  the timer itself", "us"),
    Line("paced", "p50_us", "10 scalars every 5 ms: p50 for the ten", "us", at_most=35),
    Line("paced", "p99_us", "  p99 for the ten", "us"),
    Line(
        "end_to_end",
        "scalars_per_s",
        "scalars into the event file",
        "1/s",
        at_least=400_000,
        larger_is_better=True,
    ),
    Line(
        "end_to_end",
        "scalars_per_s",
        "  tbxd's rate / tensorboardX's",
        "x",
        at_least=15,
        ratio_to="tensorboardX",
        larger_is_better=True,
    ),
    Line("end_to_end", "left_behind", "  records missing after flush()", "", at_most=0),
    Line("end_to_end", "missing", "  records missing after close()", "", at_most=0),
    Line("end_to_end", "twice", "  records in the file twice", "", at_most=0),
    Line("end_to_end", "first_flush_ms", "import, first writer, scalar, flush", "ms"),
    Line("latency", "p50_ms", "from add_scalar to readable: p50", "ms"),
    Line("latency", "p99_ms", "  p99", "ms", at_most=150),
    Line("latency", "cut_off", "  records not readable in time", "", at_most=0),
    Line("imports", "import_ms", "import beyond numpy", "ms", at_most=60),
    Line("imports", "unwanted", "  of torch, protobuf, tbxd imported", "", at_most=0),
    Line("idle", "wake_ups_per_s", "idle client: wake-ups", "1/s", at_most=0),
    Line("idle", "daemon_wake_ups_per_s", "  its idle daemon", "1/s"),
    Line("memory", "client_peak_mb", "memory of the client: peak", "MB"),
    Line("memory", "client_end_mb", "  at the end", "MB"),
    Line("memory", "daemon_peak_mb", "memory of the daemon: peak", "MB", at_most=150),
    Line("memory", "daemon_end_mb", "  at the end", "MB"),
    *_bulk("histogram", "add_histogram, 1M float32", 1.5, 0),
    *_bulk("image", "add_image, 3x256x256 uint8", 2, 15),
    *_bulk("video", "add_video, 16x3x64x64 uint8", 2, 15),
    *_bulk("audio", "add_audio, 1 s at 44.1 kHz", 2, 15),
    *_bulk("embedding", "add_embedding, 10k x 64 float32", 2, 15),
    *_bulk("mesh", "add_mesh, 10k points", 2, 15),
    Line("training", "step_ms", "a training step without logging", "ms"),
    Line(
        "training",
        "slowdown_percent",
        "  slowdown by 20 scalars, 1 histogram",
        "%",
        at_most=1,
    ),
    Line("ten_million", "daemon_peak_mb", "10 M scalars flat out: daemon, peak", "MB", at_most=150),
    Line("ten_million", "daemon_growth_mb", "  daemon, growth after the first 1 M", "MB"),
    Line("ten_million", "client_peak_mb", "  client, peak", "MB"),
    Line("ten_million", "missing", "  records missing in the file", "", at_most=0),
    Line("ten_million", "twice", "  records in the file twice", "", at_most=0),
)
