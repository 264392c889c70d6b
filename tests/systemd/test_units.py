"""systemd understands every line of the units, and they say what the daemon needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tbxd.config import Config
from tbxd_wire.errors import ConfigError, TbxdError

from .units import SYSTEM_UNIT, UNITS, USER_UNIT, service

_VERIFY = shutil.which("systemd-analyze")


def _verify(unit: Path, place: Path, *options: str) -> str:
    """Return what systemd has against ``unit``, whose program is taken to be installed."""
    assert _VERIFY is not None
    installed = place / "tbxd"
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    program = service(unit)["ExecStart"].split()[0]
    copy = place / unit.name
    copy.write_text(unit.read_text().replace(program, str(installed)))
    runtime = place / "runtime"
    runtime.mkdir(mode=0o700)
    done = subprocess.run(
        [_VERIFY, "verify", "--man=no", *options, str(copy)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    # It warns of a setting that it does not know, and exits with 0 all the same.
    return done.stdout + (f"exit {done.returncode}" if done.returncode else "")


@pytest.mark.skipif(_VERIFY is None, reason="systemd-analyze is not installed")
class TestVerified:
    def test_the_user_unit(self, tmp_path: Path) -> None:
        assert _verify(USER_UNIT, tmp_path, "--user") == ""

    def test_the_system_unit(self, tmp_path: Path) -> None:
        assert _verify(SYSTEM_UNIT, tmp_path, "--system") == ""

    def test_a_wrong_line_would_be_seen(self, tmp_path: Path) -> None:
        wrong = tmp_path / "tbxd@.service"
        wrong.write_text(SYSTEM_UNIT.read_text().replace("WatchdogSec", "WatchdogSeconds"))
        (tmp_path / "copy").mkdir()
        assert "WatchdogSeconds" in _verify(wrong, tmp_path / "copy", "--system")


def _seconds(unit: Path, name: str) -> float:
    return float(service(unit)[name])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
class TestPromises:
    def test_the_journals_outlive_a_restart(self, unit: Path) -> None:
        settings = service(unit)
        assert settings["RuntimeDirectoryPreserve"] == "yes"
        assert settings["RuntimeDirectoryMode"] == "0700"
        words = settings["ExecStart"].split()
        directory = words[words.index("--directory") + 1]
        assert directory == f"%t/{settings['RuntimeDirectory']}"

    def test_systemd_waits_for_the_drain(self, unit: Path) -> None:
        words = service(unit)["ExecStart"].split()
        drain_s = float(words[words.index("--drain-timeout") + 1])
        assert drain_s == Config("/").drain_timeout_s
        assert _seconds(unit, "TimeoutStopSec") >= drain_s + 5
        # While it drains nobody feeds the watchdog.
        assert _seconds(unit, "WatchdogSec") > drain_s + 5
        assert service(unit)["KillSignal"] == "SIGTERM"

    def test_what_fails_is_tried_again_unless_it_must_fail(self, unit: Path) -> None:
        assert service(unit)["Restart"] == "on-failure"
        assert service(unit)["RestartPreventExitStatus"] == str(ConfigError.exit_code)
        assert TbxdError.exit_code != ConfigError.exit_code

    def test_readiness_is_told(self, unit: Path) -> None:
        assert service(unit)["Type"] == "notify"


def test_each_user_has_a_directory_of_their_own() -> None:
    settings = service(SYSTEM_UNIT)
    assert settings["User"] == "%i"
    assert settings["RuntimeDirectory"] == "tbxd/%i"


def test_both_units_are_alike() -> None:
    different = {"ExecStart", "RuntimeDirectory", "User"}
    alike = [
        {name: value for name, value in service(unit).items() if name not in different}
        for unit in UNITS
    ]
    assert alike[0] == alike[1]
