"""Programs that tests run in a process of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run_program(text: str, *arguments: str, timeout_s: float = 60.0) -> str:
    """Run Python on ``text`` and return what it printed; fails if it fails or complains."""
    command = [sys.executable, "-c", textwrap.dedent(text), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    assert done.returncode == 0, f"exit status {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout
