"""What the process weighs."""

from __future__ import annotations

import os
import resource

from tbxd import health


def test_resident_memory_is_about_what_the_kernel_says_it_was_at_most() -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert peak / 10 < health.rss_bytes() < peak * 1.1


def test_an_opened_descriptor_is_counted() -> None:
    before = health.open_descriptors()
    descriptor = os.open(os.devnull, os.O_RDONLY)
    try:
        assert health.open_descriptors() == before + 1
    finally:
        os.close(descriptor)


def test_there_is_always_a_version() -> None:
    assert health.version()
