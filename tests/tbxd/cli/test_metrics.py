"""``tbxd metrics``: what Prometheus reads of a real daemon, printed and over HTTP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from tbxd.cli import group
from tbxd.cli.exposition import CONNECTIONS
from tbxd_wire import frame
from tbxd_wire.messages import Batch, Bye
from tests.tbxd.daemons import Client, Daemon
from tests.tbxd.hellos import hello_of, scalar_frames


def read(text: str) -> dict[tuple[str, str], float]:
    """Return the samples by name and the value of their only label, "" for none."""
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    directory = tmp_path / "rt"
    directory.mkdir(mode=0o700)
    return directory


def test_counts_and_gauges_of_a_daemon(runtime: Path, tmp_path: Path) -> None:
    run = str(tmp_path / 'a "run"\n')
    with Daemon(runtime) as daemon, Client(runtime) as client:
        live, closed, rejected = (hello_of(run, role=role) for role in ("", "a", "b"))
        for hello in (live, closed, rejected):
            client.say_hello(hello)
        client.log(live.session, 0, scalar_frames(0, 1234) + frame.encode(b"\xc1"))
        client.send(Bye(closed.session, 0, 17))
        client.send(Batch(rejected.session, 0, 0, 0, b"\xff" * 30))
        found = CliRunner().invoke(
            group, ["metrics", "--directory", str(runtime)], catch_exceptions=False
        )
        assert found.exit_code == 0
        samples = read(found.output)
        assert samples["tbxd_up", ""] == 1
        assert samples["tbxd_records_total", ""] == 1235
        assert samples["tbxd_received_bytes_total", ""] > 1235
        assert samples["tbxd_records_lost_total", "journal_full"] == 17
        assert samples["tbxd_records_lost_total", "refused"] == 1
        assert samples["tbxd_records_lost_total", "unknown_kind"] == 0
        assert samples["tbxd_resident_memory_bytes", ""] > 1e6
        # The client's and the one that asks.
        assert samples["tbxd_connections", ""] == 2
        assert samples["tbxd_connections_limit", ""] > 2
        assert samples["tbxd_full_total", ""] == 0
        for state in ("live", "closed", "rejected"):
            assert samples["tbxd_sessions", state] == 1
        assert samples["tbxd_run_lag_seconds", run] >= 0
        assert samples["tbxd_run_pending_bytes", run] == 0
        assert samples["tbxd_run_held_up", run] == 0
        daemon.kill()


def test_no_daemon_is_a_metric_too(runtime: Path) -> None:
    found = CliRunner().invoke(group, ["metrics", "--directory", str(runtime)])
    assert found.exit_code == 0
    assert read(found.output) == {("tbxd_up", ""): 0}


@pytest.mark.parametrize("listen", ["", "port", "localhost:", "localhost:70000", "-1"])
def test_an_address_that_is_none(runtime: Path, listen: str) -> None:
    found = CliRunner().invoke(
        group, ["metrics", "--directory", str(runtime), f"--listen={listen}"]
    )
    assert found.exit_code == 2
    assert f"expected [HOST:]PORT, not {listen!r}" in found.output


@contextmanager
def serving(runtime: Path, listen: str) -> Iterator[tuple[str, int]]:
    """Serve metrics; yield the address and the pid. It ends well when it is told to."""
    command = [sys.executable, "-m", "tbxd", "metrics", "--directory", str(runtime)]
    with subprocess.Popen(
        [*command, "--listen", listen], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[1], server.pid
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0


@pytest.mark.parametrize(
    ("listen", "where"), [("0", "127.0.0.1"), ("[::1]:0", "[::1]"), ("::1:0", "[::1]")]
)
def test_served_anew_for_each_that_asks(runtime: Path, listen: str, where: str) -> None:
    if "::" in listen and not socket.has_dualstack_ipv6():
        pytest.skip("there is no IPv6 here")
    with serving(runtime, listen) as (address, _):
        assert address.startswith(f"http://{where}:")
        for up in (0, 1):
            with (
                Daemon(runtime) if up else nullcontext(),
                urllib.request.urlopen(address) as answer,
            ):
                samples = read(answer.read().decode())
            assert samples["tbxd_up", ""] == up
            assert (("tbxd_records_total", "") in samples) == bool(up)


def test_who_connects_and_says_nothing(runtime: Path) -> None:
    """However many they are: who asks is answered, and they are hung up on."""
    with serving(runtime, "0") as (address, pid), ExitStack() as stack:
        where = urllib.parse.urlsplit(address)
        assert where.hostname is not None
        assert where.port is not None
        crowd = [
            stack.enter_context(socket.create_connection((where.hostname, where.port), 60))
            for _ in range(5 * CONNECTIONS)
        ]
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert ("tbxd_up", "") in read(answer.read().decode())
        # All that came before it have a thread, or had one.
        assert len(os.listdir(f"/proc/{pid}/task")) < 2 * CONNECTIONS
        # The first ones because others came, the last ones because nothing came from them.
        assert [each.recv(1) for each in crowd] == [b""] * len(crowd)


def test_an_address_that_is_taken(runtime: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"--listen={taken.getsockname()[1]}"
        found = CliRunner().invoke(group, ["metrics", "--directory", str(runtime), listen])
    assert found.exit_code == 1
    assert "cannot listen on 127.0.0.1" in found.output
