"""What a user's import statement costs beyond numpy, and what it drags into the process.

Each sample is a fresh interpreter that imports numpy first and then times the statement. Byte code
is cached, as it is from the second start on.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

from .backends import Backend
from .figures import Figures
from .sizes import Sizes

UNWANTED = ("torch", "google.protobuf", "tbxd")
"""What tbxd's client must not import: DESIGN.md, section 3."""

_PROGRAM = """
import json, sys, time
import numpy
begin = time.perf_counter()
{statement}
elapsed_s = time.perf_counter() - begin
print(json.dumps([elapsed_s, [name for name in {unwanted!r} if name in sys.modules]]))
"""


def measure(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
    """Time the import in ``sizes.imports`` interpreters; the writer is never opened."""
    program = _PROGRAM.format(statement=backend.import_statement, unwanted=UNWANTED)
    elapsed_s = []
    unwanted: set[str] = set()
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": os.path.join(logdir, "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # The first one only compiles.
    for number in range(sizes.imports + 1):
        output = subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            stdout=subprocess.PIPE,
            env=environment,
        ).stdout
        if not number:
            continue
        one_elapsed_s, one_unwanted = json.loads(output)
        elapsed_s.append(one_elapsed_s)
        unwanted.update(one_unwanted)
    return {"import_ms": statistics.median(elapsed_s) * 1e3, "unwanted": len(unwanted)}
