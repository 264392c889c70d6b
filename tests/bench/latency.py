"""How long after ``add_scalar`` returned a reader of the event file sees that record whole.

About 200 scalars a second at irregular moments, while a reader in another process follows the
file. A record that is not there some seconds after the last call is cut off: it counts with the
time waited, which is a lower bound. (tensorboardX's own limit, flush_secs, is 120 s.)
"""

from __future__ import annotations

import math
import random
import time

from .backends import Backend
from .figures import BOUND_SUFFIX, LOGGED_TAG, LOGGED_VALUE, Figures
from .helpers import helper
from .samples import quantile
from .sizes import Sizes

_LONGEST_GAP_S = 0.010


def measure(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
    """Log for ``sizes.latency_s`` under the eyes of the reader."""
    gaps = random.Random(7)
    with helper("tail", logdir, LOGGED_TAG) as reader:
        writer = backend.open(logdir)
        writer.add_scalar("warmup", LOGGED_VALUE, 0)
        backend.flush(writer)

        returned: list[int] = []
        end = time.monotonic() + sizes.latency_s
        while not returned or time.monotonic() < end:
            writer.add_scalar(LOGGED_TAG, LOGGED_VALUE, len(returned))
            returned.append(time.monotonic_ns())
            time.sleep(gaps.uniform(0.0, _LONGEST_GAP_S))
        reader.tell(f"{len(returned)} {sizes.latency_wait_s}")
        seen = {int(step): instant for step, instant in reader.answer().items()}
        answered = time.monotonic_ns()
        writer.close()

    waits = sorted(seen.get(step, answered) - instant for step, instant in enumerate(returned))
    shortest_cut_off = min(
        (answered - instant for step, instant in enumerate(returned) if step not in seen),
        default=math.inf,
    )
    figures = {"records": float(len(returned)), "cut_off": float(len(returned) - len(seen))}
    for name, fraction in (("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1.0)):
        wait = quantile(waits, fraction)
        figures[name] = wait / 1e6
        # From the first record that was cut off on, the order of the waits is no longer known.
        figures[name + BOUND_SUFFIX] = float(wait >= shortest_cut_off)
    return figures
