"""Sound: the WAV files of both peers beside ours, sample by sample."""

from __future__ import annotations

import inspect
import io
import shutil
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from tbxd_client import SummaryWriter
from tests.client.leftovers import Logged

from .events import PEERS, TENSORBOARDX, TORCH, Events, ours, theirs, values_of

Array = np.ndarray[Any, np.dtype[Any]]

RANDOM = np.random.default_rng(5)
NOISE = RANDOM.uniform(-1, 1, 400)
LOUD = RANDOM.uniform(-1.5, 1.5, 400)

SOUNDS: dict[str, Any] = {
    "float64": NOISE,
    "float32": NOISE.astype(np.float32),
    "list": [0.0, 0.5, -0.5],
    "tensor": torch.tensor(NOISE).float(),
    "tensor with a gradient": torch.tensor(NOISE, requires_grad=True),
    "half": NOISE.astype(np.float16),
    "loudest half": np.array([1.0, -1.0], np.float16),
    "bfloat16": torch.tensor(NOISE / 2).bfloat16(),
    "loud": LOUD,
    "loud float32": LOUD.astype(np.float32),
    "infinite": np.array([np.inf, -np.inf, 0.25]),
    "not a number": np.array([np.nan, 0.25]),
    "ends": np.array([-1.0, 1.0, 0.0, -0.0]),
    "one sample": np.array([0.5]),
    "reversed": NOISE[::-1],
    "column": NOISE[:, np.newaxis],
    "row": NOISE[np.newaxis],
    "stereo": NOISE.reshape(-1, 2),
    "loud stereo": LOUD.reshape(-1, 2),
    "stereo of one": np.array([[0.5, -0.5]]),
    "batch of one": NOISE[np.newaxis, np.newaxis],
    "int16": np.array([0, 1, -1], np.int16),
    "loud int16": np.array([0, 1000, -32768], np.int16),
    "int32": np.array([0, 1 << 20, -(1 << 31)], np.int32),
    "uint8": np.array([0, 128, 255], np.uint8),
    "int64": np.array([0, 1, -1]),
    "bool": np.array([True, False]),
    "complex": NOISE.astype(complex),
    "empty": np.zeros(0),
    "number": np.float32(0.5),
    "three channels": np.zeros((5, 3)),
    "channels first": np.zeros((2, 5)),
    "three dimensions": np.zeros((2, 3, 4)),
    "None": None,
    "str": "sound",
    "tuple": (0.5, 0.25),
}

# One reason for each; what stands here is checked to be a difference, too.
SHAPES = "each peer has its own rule for shapes; here both hold"
INTEGERS = "the peer clips integers to -1, 0 and 1, which is noise or silence"
REFUSED = "the peer cannot write this dtype"
DIFFERENCES: dict[tuple[str, str], str] = {
    (TENSORBOARDX, "half"): REFUSED,
    (TENSORBOARDX, "loudest half"): REFUSED,
    (TENSORBOARDX, "bfloat16"): REFUSED,
    (TENSORBOARDX, "uint8"): REFUSED,
    (TENSORBOARDX, "int64"): "ValueError of soundfile; TypeError here",
    (TENSORBOARDX, "bool"): "ValueError of soundfile; TypeError here",
    (TENSORBOARDX, "complex"): "ValueError of soundfile; TypeError here",
    (TENSORBOARDX, "not a number"): "libsndfile makes the loudest sample of NaN; here silence",
    (TENSORBOARDX, "row"): SHAPES,
    (TENSORBOARDX, "batch of one"): SHAPES,
    (TENSORBOARDX, "loud int16"): INTEGERS,
    (TENSORBOARDX, "int32"): INTEGERS,
    (TORCH, "list"): "torch takes no lists",
    (TORCH, "one sample"): SHAPES,
    (TORCH, "stereo"): SHAPES,
    (TORCH, "loud stereo"): SHAPES,
    (TORCH, "stereo of one"): SHAPES,
    (TORCH, "loud int16"): INTEGERS,
    (TORCH, "int16"): INTEGERS,
    (TORCH, "int32"): INTEGERS,
    (TORCH, "uint8"): REFUSED,
    (TORCH, "int64"): INTEGERS,
    (TORCH, "bool"): "torch makes the loudest sample of True",
    (TORCH, "complex"): "torch drops the imaginary part",
    (TORCH, "loudest half"): "in half precision 32767 is 32768, which wraps round",
    (TORCH, "str"): "UFuncTypeError of numpy, which is a TypeError",
}


def sound_of(events: Events | type[Exception]) -> Any:
    """Return tag, step, properties and PCM; an exception as it is."""
    if isinstance(events, type):
        return events
    (found,) = events.values()
    ((step, value),) = values_of(found)
    audio = value.audio
    with wave.open(io.BytesIO(audio.encoded_audio_string)) as file:
        assert file.getsampwidth() == 2
        assert file.getframerate() == audio.sample_rate
        assert file.getnchannels() == audio.num_channels
        assert file.getnframes() == audio.length_frames
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(int)
    return (
        (value.tag, step, audio.sample_rate, audio.num_channels, audio.content_type),
        pcm.reshape(-1, audio.num_channels),
    )


def is_same(peer: str, found: Any, expected: Any) -> bool:
    """Return whether two outcomes are the same: sample by sample, with torch nearly so."""
    if isinstance(found, type) or isinstance(expected, type):
        return bool(found == expected)
    if found[0] != expected[0] or found[1].shape != expected[1].shape:
        return False
    difference = found[1] - expected[1]
    if peer == TENSORBOARDX:
        return not difference.any()
    # Its fraction is cut off towards zero, after a multiplication by 32767 instead of 32768.
    return bool((np.abs(difference) <= 2).all() and (difference * found[1] >= 0).all())


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("peer", PEERS)
def test_a_sound_is_theirs(
    peer: str, name: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    def call(each: Any) -> None:
        each.add_audio("sound", SOUNDS[name], 3, 8000)

    expected = sound_of(theirs(peer, tmp_path / "theirs", call))
    found = sound_of(ours(writer, logged, call))
    assert is_same(peer, found, expected) == ((peer, name) not in DIFFERENCES), (found, expected)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    samples=numpy_strategies.arrays(
        st.sampled_from([np.float32, np.float64]),
        st.tuples(st.integers(2, 30)) | st.tuples(st.integers(2, 30), st.sampled_from([1, 2])),
        elements=st.floats(-1.5, 1.5, width=32),
    ),
    rate=st.integers(1, 1 << 20),
)
def test_any_sound_is_theirs(
    samples: Array, rate: int, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    def call(each: Any) -> None:
        each.add_audio("sound", samples, 3, rate)

    found = sound_of(ours(writer, logged, call))
    for peer in PEERS if samples.ndim == 1 or samples.shape[1] == 1 else [TENSORBOARDX]:
        expected = sound_of(theirs(peer, tmp_path / "theirs", call))
        shutil.rmtree(tmp_path / "theirs")
        assert is_same(peer, found, expected)


def test_the_rate_is_44100_as_everywhere(writer: SummaryWriter, logged: Logged) -> None:
    for each in [SummaryWriter, *PEERS.values()]:
        assert inspect.signature(each.add_audio).parameters["sample_rate"].default == 44100
    outcome = sound_of(ours(writer, logged, lambda each: each.add_audio("sound", [0.5])))
    assert outcome[0] == ("sound", 0, 44100.0, 1, "audio/wav")


@pytest.mark.parametrize("peer", PEERS)
def test_calls_take_what_a_peer_takes_in_its_order(peer: str) -> None:
    expected = list(inspect.signature(PEERS[peer].add_audio).parameters)
    assert list(inspect.signature(SummaryWriter.add_audio).parameters) == expected
