"""Sound in a real TensorBoard."""

from __future__ import annotations

import io
import urllib.parse
import wave
from typing import Any

import numpy as np
import pytest

from tests.board import Board

from .training import SOUND, STEREO

Array = np.ndarray[Any, np.dtype[Any]]


def clips(board: Board, tag: str) -> dict[int, tuple[int, Array]]:
    """Return for each step the rate and the samples, (length, channels), that the page plays."""
    found = {}
    for each in board.get("plugin/audio/audio", run="audio", tag=tag, sample="0"):
        query = dict(urllib.parse.parse_qsl(each["query"]))
        content = board.read("plugin/audio/individualAudio", **query)
        assert content is not None
        with wave.open(io.BytesIO(content)) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            found[each["step"]] = file.getframerate(), pcm.reshape(-1, file.getnchannels())
    return found


def test_every_sound_is_there(board: Board) -> None:
    tags = board.get("plugin/audio/tags")["audio"]
    assert {tag: each["samples"] for tag, each in tags.items()} == {"sound": 1, "stereo": 1}


@pytest.mark.parametrize(("step", "factor"), [(1, 1.0), (2, 0.5)])
def test_a_sound_can_be_played(board: Board, step: int, factor: float) -> None:
    rate, samples = clips(board, "sound")[step]
    assert rate == 8000
    np.testing.assert_allclose(samples[:, 0] / 32768, SOUND * factor, atol=1 / 32768)


def test_stereo(board: Board) -> None:
    ((step, (rate, samples)),) = clips(board, "stereo").items()
    assert (step, rate) == (1, 44100)
    np.testing.assert_allclose(samples / 32768, STEREO, atol=1 / 32768)
