"""What a daemon's process is set to: seen in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

HISTOGRAMS = """
from tbxd.tuning import tune
tune()
import resource
import numpy as np
from tbxd.encode import distribution
from tbxd.proto.event_pb2 import Summary
from tbxd_wire.arrays import Array

values = np.random.default_rng(1).standard_normal(1 << 18, np.float32)
array = Array("float32", values.shape, memoryview(values).cast("B"))
distribution.add_to(Summary(), "weights", array)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    distribution.add_to(Summary(), "weights", array)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_encoders_use_the_same_pages_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HISTOGRAMS], capture_output=True, text=True, check=True
    )
    # Untuned it is 10,000: a megabyte goes back to the kernel, and comes again, several times.
    assert int(done.stdout) < 200


LIMITS = """
import resource
limits = resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE
resource.setrlimit(limits[0], (64, 128))
resource.setrlimit(limits[1], (1 << 20, resource.getrlimit(limits[1])[1]))
from tbxd.tuning import tune
tune()
for each in limits:
    soft, hard = resource.getrlimit(each)
    print(soft == hard)
"""


def test_limits_that_were_inherited_are_raised() -> None:
    """They are those of some training, for files of its own."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITS], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True"]
