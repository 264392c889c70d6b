"""The same places as for the client's own tests."""

from tests.client.conftest import logged, run, runtime_directory, writer

__all__ = ["logged", "run", "runtime_directory", "writer"]
