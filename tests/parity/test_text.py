"""Text: the events of both peers beside ours, call by call."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbxd_client import SummaryWriter
from tests.client.leftovers import Logged

from .events import PEERS, ours, theirs


class Word(enum.StrEnum):
    NOTE = "note"


TEXTS: dict[str, tuple[Any, ...]] = {
    "markdown": ("notes", "# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |", 3),
    "empty": ("notes", "", 3),
    "unicode": ("nötes", "Überschrift 🎉 \0", 3),
    "long": ("notes", "word " * 50_000, 3),
    "tag with signs": ("a b/../c:%", "text", 3),
    "empty tag": ("", "text", 3),
    "enumeration": ("notes", Word.NOTE, 3),
    "numpy": ("notes", np.str_("text"), 3),
    "no step": ("notes", "text"),
    "negative step": ("notes", "text", -3),
    "step of a float": ("notes", "text", 2.75),
    "bytes": ("notes", b"text", 3),
    "number": ("notes", 1, 3),
    "None": ("notes", None, 3),
    "list": ("notes", ["a", "b"], 3),
    "surrogates": ("notes", "\ud800", 3),
    "tag of a number": (1, "text", 3),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("peer", PEERS)
def test_a_text_is_theirs(
    peer: str, name: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    def call(each: Any) -> None:
        each.add_text(*TEXTS[name], walltime=4.0)

    expected = theirs(peer, tmp_path / "theirs", call)
    assert ours(writer, logged, call) == expected
