from __future__ import annotations

import io
import wave
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tbxd.encode import audio, encode
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import Anything, events_of, record_of

Array = np.ndarray[Any, np.dtype[Any]]


def encoded(samples: Any, rate: int = 8000) -> tuple[Any, Array]:
    """Return the audio of the event, and the samples in its WAV, (length, channels)."""
    event = events_of(Kind.AUDIO, "sound", source(samples), rate)[""]
    (value,) = event.summary.value
    assert value.tag == "sound"
    assert value.audio.content_type == "audio/wav"
    with wave.open(io.BytesIO(value.audio.encoded_audio_string)) as file:
        assert file.getsampwidth() == 2
        assert file.getframerate() == value.audio.sample_rate == rate
        assert file.getnchannels() == value.audio.num_channels
        assert file.getnframes() == value.audio.length_frames
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return value.audio, pcm.reshape(-1, int(value.audio.num_channels))


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn]
)
def test_floats_are_rounded_clipped_and_never_not_a_number(dtype: Any) -> None:
    given = [0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -256.0, 0.25, np.nan]
    _, pcm = encoded(np.array(given, dtype))
    assert pcm[:, 0].tolist() == [0, 16384, -16384, 32767, -32768, 32767, -32768, 8192, 0]


def test_infinities_are_clipped() -> None:
    _, pcm = encoded(np.array([np.inf, -np.inf]))
    assert pcm[:, 0].tolist() == [32767, -32768]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_was_read_from_a_wav_comes_out_as_it_was(dtype: Any) -> None:
    every = np.arange(-32768, 32768)
    _, pcm = encoded((every / 32768).astype(dtype))
    assert pcm[:, 0].tolist() == every.tolist()


def test_a_sample_is_cut_off_only_after_it_was_rounded() -> None:
    _, pcm = encoded(np.array([-1e-12, -1e-9, -1.9 / 32768, 1.9 / 32768]))
    assert pcm[:, 0].tolist() == [0, -1, -2, 1]


@pytest.mark.parametrize(
    ("dtype", "given", "expected"),
    [
        (np.int16, [0, 1, -32768, 32767], [0, 1, -32768, 32767]),
        (np.int32, [0, 1 << 16, -(1 << 31), (1 << 31) - 1], [0, 1, -32768, 32767]),
        (np.uint8, [128, 129, 0, 255], [0, 256, -32768, 127 << 8]),
        (">i2", [0, 1, -32768, 32767], [0, 1, -32768, 32767]),
    ],
)
def test_integers_are_those_of_wav_files(dtype: Any, given: Any, expected: Any) -> None:
    _, pcm = encoded(np.array(given, dtype))
    assert pcm[:, 0].tolist() == expected


@pytest.mark.parametrize(
    ("shape", "channels"),
    [
        ((6,), 1),
        ((6, 1), 1),
        ((1, 6), 1),
        ((6, 2), 2),
        ((1, 2), 2),
        ((2, 1), 1),
        ((1, 1), 1),
        ((1,), 1),
        ((1, 1, 6), 1),
        ((1, 6, 1), 1),
    ],
)
def test_shapes(shape: tuple[int, ...], channels: int) -> None:
    samples = np.arange(np.prod(shape), dtype=np.int16)
    _, pcm = encoded(samples.reshape(shape))
    assert pcm.tolist() == samples.reshape(-1, channels).tolist()


@pytest.mark.parametrize("shape", [(), (0,), (0, 2), (6, 3), (2, 6), (2, 3, 1), (1 << 28, 0)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    samples = source(np.zeros(shape, np.float32))
    with pytest.raises(RecordError, match=r"must (be|have)"):
        encode(record_of(Kind.AUDIO, "sound", samples, 8000))


def test_a_shape_that_numpy_does_not_allow_is_refused() -> None:
    samples = Anything("float32", (1 << 28,) * 5 + (0,), b"-")
    with pytest.raises(RecordError, match="samples of audio cannot have the shape"):
        encode(record_of(Kind.AUDIO, "sound", samples, 8000))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint16, np.complex64])
def test_other_dtypes_are_refused(dtype: Any) -> None:
    samples = source(np.zeros(4, dtype))
    with pytest.raises(RecordError, match=f"not {np.dtype(dtype).name}"):
        encode(record_of(Kind.AUDIO, "sound", samples, 8000))


@pytest.mark.parametrize("rate", [0, -1, True, 8000.0, None, audio.RATE_MAX + 1, 1 << 63])
def test_other_rates_are_refused(rate: Any) -> None:
    with pytest.raises(RecordError, match="a rate must be an int of 1 to"):
        encode(record_of(Kind.AUDIO, "sound", source(np.zeros(4)), rate))


def test_the_highest_rate_is_one() -> None:
    found, _ = encoded(np.zeros((4, 2)), audio.RATE_MAX)
    assert found.sample_rate == audio.RATE_MAX


@pytest.mark.parametrize("fields", [(), (b"samples", 8000), (source([0.5]),)])
def test_other_fields_are_refused(fields: tuple[Any, ...]) -> None:
    with pytest.raises(RecordError, match=r"samples and a rate|must be an array, not bytes"):
        encode(record_of(Kind.AUDIO, "sound", *fields))
