"""A Config that exists can be used."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tbxd.config import Config, Fsync
from tbxd_wire.errors import ConfigError


def test_the_defaults_are_those_of_the_manual() -> None:
    config = Config("/run/tbxd")
    assert config.idle_exit_s is None
    assert config.fsync is Fsync.INTERVAL
    assert config.fsync_interval_s == 1.0
    assert config.memory_limit_bytes == 256 << 20
    assert config.keep_free_bytes == 0
    assert config.drain_timeout_s == 10.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"directory": "relative"},
        {"directory": "/with\0nul"},
        {"idle_exit_s": -1.0},
        {"idle_exit_s": math.nan},
        {"idle_exit_s": math.inf},
        {"fsync_interval_s": 0.0},
        {"fsync_interval_s": math.nan},
        {"memory_limit_bytes": 1000},
        {"keep_free_bytes": -1},
        {"drain_timeout_s": -0.1},
        {"drain_timeout_s": math.inf},
        {"log_level": "LOUD"},
    ],
)
def test_what_cannot_be_used_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        Config(**{"directory": "/run/tbxd", **wrong})
    assert caught.value.exit_code == 2
