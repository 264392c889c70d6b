"""What the environment may say about journals, and about starting a daemon."""

from __future__ import annotations

import pytest

from tbxd_wire.errors import ConfigError
from tbxd_wire.limits import JOURNAL_LIMIT_BYTES
from tbxd_wire.settings import Settings


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Settings(JOURNAL_LIMIT_BYTES, 0.0)),
        ({"TBXD_JOURNAL_LIMIT": "", "TBXD_JOURNAL_FULL": ""}, Settings(JOURNAL_LIMIT_BYTES, 0.0)),
        ({"TBXD_JOURNAL_LIMIT": "64MiB"}, Settings(64 << 20, 0.0)),
        ({"TBXD_JOURNAL_LIMIT": "64KiB"}, Settings(64 << 10, 0.0)),
        ({"TBXD_JOURNAL_FULL": "shed"}, Settings(JOURNAL_LIMIT_BYTES, 0.0)),
        ({"TBXD_JOURNAL_FULL": "block:5"}, Settings(JOURNAL_LIMIT_BYTES, 5.0)),
        ({"TBXD_JOURNAL_FULL": "block:0.25"}, Settings(JOURNAL_LIMIT_BYTES, 0.25)),
        ({"TBXD_AUTOSTART": ""}, Settings(autostart=True)),
        ({"TBXD_AUTOSTART": "True"}, Settings(autostart=True)),
        ({"TBXD_AUTOSTART": "0"}, Settings(autostart=False)),
        ({"TBXD_AUTOSTART": "Off"}, Settings(autostart=False)),
        ({"TBXD_AUTOSTART": " n "}, Settings(autostart=False)),
        ({"TBXD_NOTES": ""}, Settings()),
        ({"TBXD_NOTES": "off"}, Settings()),
    ],
)
def test_what_is_understood(environ: dict[str, str], expected: Settings) -> None:
    assert Settings.of(environ) == expected


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TBXD_JOURNAL_LIMIT", "lots", "expected a size such as 64MiB"),
        ("TBXD_JOURNAL_LIMIT", "0", "expected 64 KiB or more, what one journal takes, not '0'"),
        ("TBXD_JOURNAL_LIMIT", "64k", "expected 64 KiB or more"),
        ("TBXD_JOURNAL_FULL", "block", "block:SECONDS such as block:5, not 'block'"),
        ("TBXD_JOURNAL_FULL", "block:-1", "not 'block:-1'"),
        ("TBXD_JOURNAL_FULL", "block:inf", "not 'block:inf'"),
        ("TBXD_JOURNAL_FULL", "drop", "expected shed"),
        ("TBXD_AUTOSTART", "maybe", "expected 1 or 0, not 'maybe'"),
        ("TBXD_NOTES", "banana", "expected 1 or 0, not 'banana'"),
    ],
)
def test_anything_else_is_refused_by_name(name: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.of({name: value})
    assert name in str(caught.value)
    assert says in str(caught.value)
