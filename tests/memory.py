"""A directory in memory, for tests that make thousands of small files."""

from __future__ import annotations

import os

_SHARED_MEMORY = "/dev/shm"

ROOT = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
"""``dir`` for the functions of tempfile; None: their own choice."""
