"""What people are shown: whole in 80 columns, and the right command to go on with."""

from __future__ import annotations

import io
import sys
from collections import Counter

import pytest
from rich.console import Console

from tbxd.demo import show
from tbxd.demo.judge import Account
from tbxd.demo.notebooks import Notes

_NOTES = Notes(Counter(), None, 12.345, 1.5)


def _shown(*accounts: Account) -> str:
    processes = [
        show.Process(f"loader{number}" if number else "", 4_000_000 + number, "book", -9 * number)
        for number in range(len(accounts))
    ]
    by_role = dict(zip((each.role for each in processes), accounts, strict=True))
    out = io.StringIO()
    console = Console(file=out, width=80)
    console.print(show.table(processes, dict.fromkeys(by_role, _NOTES), by_role))
    for remark in show.remarks(processes, by_role, 0):
        console.print(remark)
    return out.getvalue()


def test_the_table_is_whole_in_80_columns() -> None:
    text = _shown(Account(4082, 4082, 0, 0, 0, None), Account(51200, 51201, 0, 0, 0, True))
    assert "…" not in text
    rows = [line.split() for line in text.splitlines()]
    assert ["training", "4000000", "exit", "0", "4,082", "4,082", "0", "0", "12.35", "1.50"] in [
        [cell.replace("12.34", "12.35") for cell in row] for row in rows
    ]
    assert "SIGKILL" in text
    assert ["all", "55,282", "55,283", "0", "0"] in rows


@pytest.mark.parametrize(
    ("unsettled_found", "expected"), [(True, "is in the file too"), (False, "is not in the file")]
)
def test_the_call_that_was_cut_short_is_spoken_of(unsettled_found: bool, expected: str) -> None:
    text = " ".join(_shown(Account(1, 1, 0, 0, 0, unsettled_found)).split())
    assert f"its record {expected}, and nothing was promised about it" in text


def test_what_nobody_logged_is_spoken_of() -> None:
    assert "2 records are in the files that nobody has logged" in _shown(
        Account(1, 3, 0, 0, 2, None)
    )


def test_the_look_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/tensorboard")
    assert show.look_command("a b") == "tensorboard --logdir 'a b'"
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    monkeypatch.setattr(sys, "executable", "/venv/bin/python")
    assert show.look_command("runs") == "/venv/bin/tensorboard --logdir runs"
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert show.look_command("runs") == (
        "/venv/bin/python -m pip install tensorboard && /venv/bin/tensorboard --logdir runs"
    )
