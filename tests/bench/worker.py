"""One measurement of one backend, in a process that does nothing else.

``python -m tests.bench.worker MEASUREMENT BACKEND LOGDIR full|quick`` prints the figures as JSON,
the last line of its standard output. Its imports are few and cheap: they are part of the client's
memory.
"""

from __future__ import annotations

import json
import sys

from . import backends, measurements
from .sizes import FULL, QUICK


def main(measurement: str, backend: str, logdir: str, sizes: str) -> None:
    """Measure and print."""
    figures = measurements.BY_NAME[measurement].measure(
        backends.BY_NAME[backend], logdir, QUICK if sizes == "quick" else FULL
    )
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
