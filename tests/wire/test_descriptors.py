"""tbxd_wire.descriptors, in processes of their own: they change what is open."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, resource, sys
from tbxd_wire.descriptors import clear_of_standard, require
"""


def run(text: str) -> list[str]:
    """Return what a program says on its exit: a line of descriptors, on a copy of its output."""
    command = [sys.executable, "-c", PROGRAM + text]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_what_is_opened_inside_is_no_standard_stream() -> None:
    said = run("""
out = os.dup(1)
for each in range(3):
    os.close(each)
with clear_of_standard():
    inside = os.open(os.devnull, os.O_RDONLY)
after = os.open(os.devnull, os.O_RDONLY)
os.write(out, b"%d %d" % (inside > 2, after))
os._exit(0)
""")
    assert said == ["1", "0"]


def test_nothing_is_left_open_nor_closed() -> None:
    said = run("""
before = sorted(os.listdir("/proc/self/fd"))
with clear_of_standard():
    pass
require(5)
print(sorted(os.listdir("/proc/self/fd")) == before)
""")
    assert said == ["True"]


def test_too_few_are_told_before_they_are_needed() -> None:
    said = run("""
used = len(os.listdir("/proc/self/fd")) - 1
resource.setrlimit(resource.RLIMIT_NOFILE, (used + 5, used + 5))
require(5)
try:
    require(6)
except OSError as error:
    print(error.strerror)
require(5)
""")
    assert " ".join(said) == "Too many open files"
