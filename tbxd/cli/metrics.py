"""``tbxd metrics``: how the daemon stands, for Prometheus."""

from __future__ import annotations

import signal
import sys
import threading

import click

from .options import directory_option

_INSTALL = "pip install 'tbxd[metrics]'"


@click.command("metrics")
@directory_option
@click.option(
    "--listen",
    metavar="[HOST:]PORT",
    help="Serve them over HTTP until told to stop, on this computer alone unless a host is named.",
)
def command(directory: str, listen: str | None) -> None:
    """Print the daemon's metrics once, in Prometheus' text format, or serve them."""
    try:
        import prometheus_client
    except ImportError:
        raise click.ClickException(
            f"metrics need the prometheus-client package: {_INSTALL}"
        ) from None
    from tbxd.metrics import DaemonCollector

    from .exposition import Exposition

    registry = prometheus_client.CollectorRegistry()
    registry.register(DaemonCollector(directory))
    if listen is None:
        sys.stdout.buffer.write(prometheus_client.generate_latest(registry))
        return
    host, port = _address(listen)
    signals = {signal.SIGINT, signal.SIGTERM}
    # Before the threads, which inherit it: else one of them might be given the signal.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        server = Exposition(host, port, prometheus_client.make_wsgi_app(registry))
        shown = f"[{host}]" if ":" in host else host
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        click.echo(f"serving http://{shown}:{server.server_port}/metrics")
        signal.sigwait(signals)
        server.shutdown()
        thread.join()
        server.server_close()
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"expected [HOST:]PORT, not {listen!r}", param_hint="--listen")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)
