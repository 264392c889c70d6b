"""Options that several commands have."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from tbxd_wire import places

_Function = TypeVar("_Function", bound=Callable[..., Any])


def directory_option(function: _Function) -> _Function:
    """Add ``--directory``: an absolute path, by default where the clients of this user look."""
    return click.option(
        "--directory",
        type=click.Path(file_okay=False, resolve_path=False),
        callback=_absolute,
        metavar="DIR",
        help="Runtime directory with socket and journals."
        "  [default: $TBXD_DIR, $XDG_RUNTIME_DIR/tbxd or tbxd-UID in the temporary directory]",
    )(function)


def _absolute(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    if value is None:
        return places.runtime_directory(os.environ, os.getuid())
    return os.path.abspath(value)
