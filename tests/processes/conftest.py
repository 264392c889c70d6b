"""The same field as for the attacks."""

from tests.crash.conftest import daemon

__all__ = ["daemon"]
