"""``tbxd serve``: run the daemon, in the foreground or detached."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

import click

from tbxd.config import LOG_LEVELS, Config, Fsync
from tbxd.tuning import tune
from tbxd_wire import places, sizes
from tbxd_wire.errors import TbxdError

from .options import directory_option

if TYPE_CHECKING:
    from tbxd.detach import Caller

_LOG_FORMAT = "%(asctime)s tbxd[%(process)d] %(levelname)s: %(message)s"
_NO_ROOT = "the root %s does not exist; it will be made when something is logged beneath it"

_log = logging.getLogger(__name__)


def _size(_ctx: click.Context, _parameter: click.Parameter, value: str) -> int:
    try:
        return sizes.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("serve")
@directory_option
@click.option(
    "--idle-exit",
    type=float,
    metavar="SECONDS",
    help="Leave after so long without a session and without work.  [default: never]",
)
@click.option(
    "--fsync",
    type=click.Choice([policy.value for policy in Fsync]),
    default=Fsync.INTERVAL.value,
    show_default=True,
    help="When event files are forced onto the disk: never, every second, or before each ack.",
)
@click.option(
    "--memory-limit",
    callback=_size,
    default="256 MiB",
    show_default=True,
    metavar="SIZE",
    help="Most that all sessions together may have on their way; at least 1 MiB.",
)
@click.option(
    "--root",
    "roots",
    type=click.Path(file_okay=False),
    multiple=True,
    metavar="DIR",
    help="Write beneath this directory alone, also through symbolic links; may be given several"
    " times.  [default: anywhere]",
)
@click.option(
    "--keep-free",
    callback=_size,
    default="0",
    show_default=True,
    metavar="SIZE",
    help="Write no event file any fuller: so much of its file system stays free.",
)
@click.option(
    "--drain-timeout",
    type=float,
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to go on writing when told to stop.",
)
@click.option(
    "--notes/--no-notes",
    default=True,
    show_default=True,
    envvar=places.NOTES_VARIABLE,
    show_envvar=True,
    help="Have runs say in TensorBoard when a process started, ended or died.",
)
@click.option("--log-level", type=click.Choice(LOG_LEVELS), default="INFO", show_default=True)
@click.option(
    "--log-file", type=click.Path(dir_okay=False), metavar="FILE", help="Append the log to a file."
)
@click.option("--detach", is_flag=True, help="Return when the daemon serves; it runs on by itself.")
def command(
    directory: str,
    idle_exit: float | None,
    fsync: str,
    memory_limit: int,
    roots: tuple[str, ...],
    keep_free: int,
    drain_timeout: float,
    notes: bool,
    log_level: str,
    log_file: str | None,
    detach: bool,
) -> None:
    """Run the daemon; what tbxd alone does."""
    config = Config(
        directory=directory,
        idle_exit_s=idle_exit,
        fsync=Fsync(fsync),
        memory_limit_bytes=memory_limit,
        roots=tuple(map(os.path.abspath, roots)),
        keep_free_bytes=keep_free,
        drain_timeout_s=drain_timeout,
        notes=notes,
        log_level=log_level,
    )
    if sys.getfilesystemencoding() != "utf-8":
        # Names travel as UTF-8, whatever the locale is that somebody's training runs in.
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    missing = [root for root in config.roots if not os.path.isdir(root)]
    if detach or log_file is not None:
        for root in missing:
            click.echo(f"tbxd: {_NO_ROOT % root}", err=True)
    caller: Caller | None = None
    if detach:
        from tbxd.detach import detach as detach_from_caller

        caller = detach_from_caller(log_file)
    elif log_file is not None:
        from tbxd.detach import log_to

        log_to(log_file)
    tune()
    # Only now: a process that is to fork twice should be a small one.
    from tbxd.notify import Notifier
    from tbxd.server import Server

    logging.basicConfig(level=log_level, format=_LOG_FORMAT, stream=sys.stderr)
    for root in missing:
        _log.warning(_NO_ROOT, root)
    serves = None if caller is None else caller.serves
    try:
        Server(config, Notifier(os.environ), serves).run()
    except TbxdError as error:
        if caller is not None:
            caller.fails(str(error))
        raise
