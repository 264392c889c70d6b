"""What the environment says about a process's journals, and about starting a daemon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

from . import places, sizes
from .errors import ConfigError
from .limits import JOURNAL_LIMIT_BYTES, SEGMENT_SMALL_BYTES

_YES = ("1", "yes", "true", "on", "y", "t")
_NO = ("0", "no", "false", "off", "n", "f")
_BLOCK = re.compile(r"block:([0-9]+(?:\.[0-9]*)?)")


class Settings(NamedTuple):
    """How large journals may become, and what happens then.

    No dataclass: making one takes a millisecond of the import.
    """

    journal_limit_bytes: int = JOURNAL_LIMIT_BYTES
    """Most that all journals of the process take together."""
    patience_s: float = 0.0
    """How long a call may wait for room in a full journal; 0: a record is shed at once."""
    autostart: bool = True
    """Whether to start a daemon where there is none."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Settings:
        """Return the settings of an environment.

        Raises:
            ConfigError: a variable has an unusable value; it says which values there are.
        """
        limit = environ.get(places.JOURNAL_LIMIT_VARIABLE)
        try:
            limit_bytes = sizes.parse(limit) if limit else JOURNAL_LIMIT_BYTES
            if limit_bytes < SEGMENT_SMALL_BYTES:
                least = sizes.text(SEGMENT_SMALL_BYTES)
                raise ValueError(f"expected {least} or more, what one journal takes, not {limit!r}")
        except ValueError as error:
            raise ConfigError(f"{places.JOURNAL_LIMIT_VARIABLE}: {error}") from None
        policy = environ.get(places.JOURNAL_FULL_VARIABLE) or "shed"
        block = _BLOCK.fullmatch(policy)
        patience_s = float(block[1]) if block else 0.0
        if (block is None or not isfinite(patience_s)) and policy != "shed":
            raise ConfigError(
                f"{places.JOURNAL_FULL_VARIABLE}: expected shed, or block:SECONDS such as block:5,"
                f" not {policy[:40]!r}"
            )
        # Meant for the daemon, which would not start with anything else: said where it is read.
        _switch(environ, places.NOTES_VARIABLE)
        return cls(limit_bytes, patience_s, _switch(environ, places.AUTOSTART_VARIABLE))


def _switch(environ: Mapping[str, str], name: str) -> bool:
    """Return whether the variable ``name`` says yes, as it does where it is not set.

    Raises:
        ConfigError: it says neither yes nor no.
    """
    value = environ.get(name) or "1"
    said = value.strip().lower()
    if said not in _YES + _NO:
        raise ConfigError(f"{name}: expected 1 or 0, not {value[:40]!r}")
    return said in _YES
