"""``python -m tbxd_client.demo RUN NOTEBOOKS [--steps N]``: train, and say the facts as JSON lines.

What is said is described in :mod:`.training`.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys

from .training import STEPS, Places, Training

_INTERRUPTED = 128 + signal.SIGINT
"""As a shell has it."""


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m tbxd_client.demo", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="the run directory")
    parser.add_argument("notebooks", metavar="NOTEBOOKS", help="an existing directory")
    parser.add_argument("--steps", type=int, default=STEPS, help="batches to train on")
    given = parser.parse_args()
    training = Training(
        Places(given.run, given.notebooks),
        given.steps,
        lambda fact: print(json.dumps(fact), flush=True),
    )
    try:
        training.run()
    except KeyboardInterrupt:
        # Said without a traceback: whoever pressed the keys knows.
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
