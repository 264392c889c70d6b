"""For all tests: event files hold what the tests log, and nothing that the daemon adds.

The tests of those notes, and the attacks of ``tests/crash``, have them as users do.
"""

from __future__ import annotations

import os

import pytest

from tbxd_wire import places

os.environ[places.NOTES_VARIABLE] = "0"


def pytest_addoption(parser: pytest.Parser) -> None:
    """What these tests can be told."""
    parser.addoption("--long", action="store_true", help="attack many times as often")
