"""The command ``tbxd``: a group whose commands each live in a file of their own.

``tbxd`` alone, or with options only, is ``tbxd serve``. A command's module is imported when the
command is called, so that none pays for what another needs.
"""

from __future__ import annotations

import importlib
import sys

import click

from tbxd_wire.errors import TbxdError

_COMMANDS = {
    "demo": "Train a small model, kill a process on the way, and count what was lost.",
    "exec": "Run a command, and wait until all it logged is in its event files.",
    "metrics": "Print or serve the daemon's metrics for Prometheus.",
    "serve": "Run the daemon; what tbxd alone does.",
    "status": "Show how the daemon and its sessions stand.",
}
_GROUP_OPTIONS = ("--help", "-h", "--version")


class _Commands(click.Group):
    """Finds a command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in _GROUP_OPTIONS):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # Written from the table: to list the commands is no reason to import them.
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _show_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        from tbxd.health import version

        click.echo(f"tbxd {version()}")
        ctx.exit()


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, name="tbxd")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the release and exit.",
)
def group() -> None:
    """Write what training processes log into TensorBoard event files."""


def main() -> None:
    """Run the command line; an error is one line, and its exit code that of its class."""
    try:
        group(standalone_mode=True)
    except TbxdError as error:
        click.echo(f"tbxd: {error}", err=True)
        sys.exit(error.exit_code)
