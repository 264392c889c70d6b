"""The unit files, and what they stand for here."""

from __future__ import annotations

import configparser
from pathlib import Path

DIRECTORY = Path(__file__).parents[2] / "systemd"
USER_UNIT = DIRECTORY / "tbxd.service"
SYSTEM_UNIT = DIRECTORY / "tbxd@.service"
UNITS = (USER_UNIT, SYSTEM_UNIT)


def service(unit: Path) -> configparser.SectionProxy:
    """Return the section [Service] of ``unit``; a setting that is there twice is an error."""
    parser = configparser.ConfigParser(interpolation=None)
    # Without this, names would be taken as lower case.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    return parser["Service"]


def arguments(unit: Path, directory: Path) -> list[str]:
    """Return what the unit passes to the command, with ``directory`` for the runtime directory."""
    program, *passed = service(unit)["ExecStart"].split()
    assert program.endswith("/bin/tbxd")
    assert passed[1] == "--directory"
    passed[2] = str(directory)
    return passed
