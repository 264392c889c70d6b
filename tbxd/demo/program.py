"""The training program, run in a process of its own, and what it says of itself.

It is a program of the client's side (``python -m tbxd_client.demo``), which this side never
imports, and it runs under ``tbxd exec``: that makes sure of a daemon, and returns when the records
of all its processes, the killed ones too, are in the event files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tbxd_wire.errors import TbxdError

TRAINING_MODULE = "tbxd_client.demo"

Fact = dict[str, Any]
"""``{"say": what, ...}``: a process began or ended, a step was taken, somebody was killed. The
training program's module says what there is."""

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""The matrices are small, and three processes share the cores already."""


class ProgramFailed(TbxdError):
    """The training program did not come to its end."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the training ended with exit code {code}; nothing was counted")
        self.code = code


def run(directory: str, run_directory: str, notebooks: str, *options: str) -> Iterator[Fact]:
    """Run the training, and yield the facts as it says them; ends when all is committed.

    That something could not be committed is no error here: the count will show it.

    Args:
        directory: the runtime directory.
        run_directory: what is logged into.
        notebooks: an existing directory for the notebooks.
        options: more for the program's command line.

    Raises:
        ProgramFailed: it ended with an error, which it has written to standard error.
    """
    command = [
        *(sys.executable, "-P", "-m", "tbxd", "exec", "--directory", directory, "--"),
        *(sys.executable, "-P", "-m", TRAINING_MODULE, run_directory, notebooks, *options),
    ]
    environment = {**os.environ, **_ONE_THREAD}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
        code = process.wait()
    if code not in (0, os.EX_TEMPFAIL):
        raise ProgramFailed(code)
