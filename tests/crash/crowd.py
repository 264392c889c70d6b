"""Starts many daemons for one directory at the same instant.

``python -m tests.crash.crowd DIRECTORY COUNT``: forks COUNT processes that wait with everything
imported, and lets all of them go at once into ``tbxd serve``. For each that ends a line says its
pid, its exit code and what it had to say; whoever started this kills those that serve. SIGTERM
kills all that are left.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

import tbxd.server  # noqa: F401 (so that nobody loses time with it when it counts)
from tbxd import cli


def _serve(directory: str, start: int, said: int) -> NoReturn:
    """Wait until ``start`` is closed at its other end, then be a daemon that writes to ``said``."""
    code = 99
    try:
        os.read(start, 1)
        os.dup2(said, 2)
        sys.argv = ["tbxd", "serve", "--directory", directory]
        cli.main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 98
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Do as the command line says."""
    directory, count = sys.argv[1], int(sys.argv[2])
    start, go = os.pipe()
    outputs = {}
    for _ in range(count):
        said = os.memfd_create("said")
        pid = os.fork()
        if pid == 0:
            os.close(go)
            _serve(directory, start, said)
        outputs[pid] = said

    def kill_all(*_: object) -> None:
        for each in outputs:
            os.kill(each, signal.SIGKILL)

    signal.signal(signal.SIGTERM, kill_all)
    os.close(go)
    while outputs:
        pid, status = os.wait()
        words = os.pread(outputs.pop(pid), 10_000, 0).decode()
        print(pid, os.waitstatus_to_exitcode(status), repr(words), flush=True)


if __name__ == "__main__":
    main()
