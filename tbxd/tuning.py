"""How a daemon's process is set up, so that a training beside it does not notice.

Must come before numpy is imported, and before any thread is started. Nothing here is needed for
anything to work: where a system lacks one of these settings it does without.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource

_LINEAR_ALGEBRA_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
"""Read when numpy is imported. Else a library of numpy's starts threads that go on spinning for a
while after each product: on cores that a training wants, for products that take microseconds."""

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
"""Parameters of glibc's mallopt (mallopt(3))."""

_KEPT_BYTES = 8 << 20
_OWN_MAPPING_BYTES = 4 << 20
"""What glibc keeps of what an encoder frees, and from which size on an array has pages of its own.
By default every megabyte goes back to the kernel at once, and comes again page by page: of the
6.4 ms that a histogram of 2**18 elements took, 4 ms."""


def tune() -> None:
    """Set this process up."""
    os.environ.update(dict.fromkeys(_LINEAR_ALGEBRA_THREADS, "1"))
    # Who is woken as a batch process never takes the core from whoever woke it: a training.
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    # A daemon that a training has started inherits its limits: meant for one process's files.
    for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE):
        _, hard = resource.getrlimit(limit)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (hard, hard))
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
