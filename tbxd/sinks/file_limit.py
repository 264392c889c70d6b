"""How large a file may become here, as far as the limit of the process says (``ulimit -f``).

What goes into an event file is cut to it beforehand: a round that no new file can take would wait
for ever, and everything behind it. Where it is the file system that sets the limit, none is so low.
"""

from __future__ import annotations

import math
import resource

_BESIDE_BYTES = 64 << 10
"""What a file has beside the events of a round: its header, and a mark of 500 sessions at least."""


def round_bytes() -> float:
    """Return how many bytes of events any new file can take at once; without a limit, infinity.

    Asked anew each time, as a limit may be changed while a process runs. Of a limit that is lower
    than what stands beside the events may take, it is half.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit == resource.RLIM_INFINITY:
        return math.inf
    return max(limit - _BESIDE_BYTES, limit // 2)
