"""AUDIO: samples become a WAV of 16-bit PCM.

A sample between -1 and 1 becomes the upper half of the 32-bit integer that is nearest to it, as in
libsndfile, which tensorboardX writes with: what was read from a 16-bit WAV comes out as it was.
(torch multiplies by 32767 and cuts the fraction off, which is 2 less at most.) What is louder is
clipped, and NaN is silence. Integers are what WAV files have: int16 stays as it is, int32 keeps its
upper half, and uint8, whose silence is 128, is widened.
"""

from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np

from tbxd_wire.errors import RecordError
from tbxd_wire.records import COMMON_FIELDS, Record

from .arrays import NDArray, numpy_of
from .event import begin

CHANNELS = 2
"""Most channels: what the peers take."""

RATE_MAX = 1 << 29
"""Samples per second of which a WAV's 32-bit field can still hold the bytes per second."""

_FULL_SCALE = 1 << 31
_LOWER_HALF = 1 << 16
_HIGHEST = (1 << 15) - 1
_SAMPLE_BYTES = 2
_CONTENT_TYPE = "audio/wav"


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of an AUDIO record."""
    given = record[COMMON_FIELDS : COMMON_FIELDS + 2]
    if len(given) < 2:
        raise RecordError(f"audio has samples and a rate, this record {len(given)} fields")
    samples, rate = _shaped(numpy_of(given[0], "the samples of audio")), _rate_of(given[1])
    pcm = _pcm(samples)
    length, channels = pcm.shape
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(_SAMPLE_BYTES)
        writer.setframerate(rate)
        writer.writeframes(pcm.tobytes())
    event = begin(record)
    audio = event.summary.value.add(tag=record[1]).audio
    audio.sample_rate = rate
    audio.num_channels = channels
    audio.length_frames = length
    audio.encoded_audio_string = file.getvalue()
    audio.content_type = _CONTENT_TYPE
    return [("", event.SerializeToString())]


def _rate_of(rate: Any) -> int:
    if type(rate) is not int or not 1 <= rate <= RATE_MAX:
        raise RecordError(f"a rate must be an int of 1 to {RATE_MAX} Hz, not {rate!r:.40}")
    return rate


def _shaped(samples: NDArray) -> NDArray:
    """Return the samples as (length, channels)."""
    if samples.size == 0:
        raise RecordError(f"audio must have samples, not the shape {samples.shape}")
    if samples.ndim == 2 and 1 <= samples.shape[1] <= CHANNELS:
        return samples
    if samples.size == max(samples.shape, default=0):
        return samples.reshape(-1, 1)
    raise RecordError(
        f"samples must be (length,) or (length, channels) with 1 or {CHANNELS} channels,"
        f" not {samples.shape}"
    )


def _pcm(samples: NDArray) -> NDArray:
    """Return the samples as little endian int16."""
    name = samples.dtype.name
    if name == "int16":
        return samples.astype("<i2", copy=False)
    if name == "int32":
        return (samples >> 16).astype("<i2")
    if name == "uint8":
        return (samples.astype("<i2") - 128) << 8
    if samples.dtype.kind != "f":
        raise RecordError(f"samples must be float, int16, int32 or uint8, not {name}")
    # Half precision has no such numbers; a copy in any case, as a record is read only. All these
    # are powers of two: nothing is rounded but by rint.
    scaled: NDArray = samples.astype(np.float64 if name == "float64" else np.float32)
    np.nan_to_num(scaled, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)
    np.clip(scaled, -1.0, 1.0, out=scaled)
    np.multiply(scaled, _FULL_SCALE, out=scaled)
    np.rint(scaled, out=scaled)
    np.floor_divide(scaled, _LOWER_HALF, out=scaled)
    np.minimum(scaled, _HIGHEST, out=scaled)
    return scaled.astype("<i2")
