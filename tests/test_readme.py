"""The README is true: its script runs, and its tables name what there is and nothing else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from tbxd.ask import ask
from tbxd.cli import serve
from tbxd.demo import findings
from tbxd.lock import daemon_is_there
from tbxd_wire import limits, places, sizes
from tests.waiting import wait_until

_README = (Path(__file__).parents[1] / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", _README, re.MULTILINE | re.DOTALL)


def test_the_script_runs(tmp_path: Path) -> None:
    (script,) = _blocks("python")
    assert len(script.splitlines()) == 6
    with tempfile.TemporaryDirectory(prefix="tbxd-") as runtime:
        command = [*(sys.executable, "-P", "-m", "tbxd", "exec", "--directory", runtime)]
        done = subprocess.run(
            [*command, "--", sys.executable, "-P", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        found = findings.read(str(tmp_path / "runs" / "first"))
        assert {role: records.total() for role, records in found.items()} == {"": 3000}
        os.kill(ask(runtime)["daemon"]["pid"], signal.SIGTERM)
        wait_until(lambda: not daemon_is_there(runtime), "the daemon leaves")


@pytest.mark.parametrize("end", [r"tbxd demo", r"pytest"])
def test_the_commands_are_one_line_each(end: str) -> None:
    (line,) = re.findall(rf"^python3 -m venv \.venv && .*{end}$", _README, re.MULTILINE)
    assert f"{line}\n" in _blocks("sh")


def test_all_options_of_serve_are_told() -> None:
    table = _README.partition("| option of `tbxd serve`")[2].partition("\n## ")[0]
    told = set(re.findall(r"--[a-z][a-z-]+", table))
    there = {
        name
        for parameter in serve.command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    assert told == there


def test_all_variables_are_told() -> None:
    told = set(re.findall(r"^\| `(TBXD_[A-Z_]+)`", _README, re.MULTILINE))
    # TBXD_JOB is between `tbxd exec` and what it runs.
    assert told == {
        places.DIRECTORY_VARIABLE,
        places.AUTOSTART_VARIABLE,
        places.JOURNAL_LIMIT_VARIABLE,
        places.JOURNAL_FULL_VARIABLE,
        places.NOTES_VARIABLE,
    }
    assert sizes.parse("1GiB") == limits.JOURNAL_LIMIT_BYTES
