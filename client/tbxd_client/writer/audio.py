"""Sound."""

from __future__ import annotations

import math
from typing import Any

from tbxd_client import arrays
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind

from .core import Writer

_CHANNELS = 2
_INTEGERS = ("int16", "int32", "uint8")

RATE_MAX = 1 << 29
"""Samples per second of which a WAV's 32-bit field can still hold the bytes per second."""


class AudioMethods(Writer):
    """``add_audio``."""

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: Any = None,
        sample_rate: Any = 44100,
        walltime: Any = None,
    ) -> None:
        """Log a sound; the daemon makes a WAV of 16-bit PCM of it.

        Args:
            snd_tensor: (length,), (length, 1) or, for stereo, (length, 2); also (1, length) and
                whatever else has one extent above 1. Floats lie between -1 and 1: what is louder is
                clipped, and NaN is silence. int16, int32 and uint8 are what WAV files hold (int16
                is kept as it is), where both peers would clip them to -1, 0 and 1.
            sample_rate: samples per second, 1 to RATE_MAX; a float is rounded.
            tag, global_step, walltime: as in :meth:`add_scalar`.

        Raises:
            AssertionError: a wrong shape.
            ValueError: no samples at all, or a rate out of range.
            TypeError: other integers, bools, complex numbers; a rate that is no number.
            Otherwise as :meth:`add_scalar`.
        """
        samples = arrays.source(snd_tensor, "snd_tensor")
        _check(samples)
        self._post_arrays(Kind.AUDIO, tag, global_step, walltime, samples, _rate(sample_rate))


def _check(samples: Source) -> None:
    dtype, shape = samples.dtype, samples.shape
    if dtype not in _INTEGERS and "float" not in dtype:
        raise TypeError(
            f"snd_tensor must be floats between -1 and 1, or {', '.join(_INTEGERS)} as in a WAV"
            f" file, not {dtype}"
        )
    size = math.prod(shape)
    if size == 0 and len(shape) in (1, 2):
        raise ValueError(f"snd_tensor must have samples, not the shape {shape}")
    in_channels = len(shape) == 2 and 1 <= shape[1] <= _CHANNELS
    in_a_line = size > 0 and len(shape) > 0 and size == max(shape)
    if not in_channels and not in_a_line:
        raise AssertionError(
            f"snd_tensor must be (length,) or (length, channels) with 1 or {_CHANNELS} channels,"
            f" not {shape}"
        )


def _rate(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        raise TypeError(f"sample_rate must be a number of Hz, not {value!r:.40}")
    try:
        rate = round(float(value))
    except TypeError:
        raise TypeError(f"sample_rate must be a number of Hz, not {value!r:.40}") from None
    except (ValueError, OverflowError):
        raise ValueError(f"sample_rate must be 1 to {RATE_MAX} Hz, not {value!r:.40}") from None
    if not 1 <= rate <= RATE_MAX:
        raise ValueError(f"sample_rate must be 1 to {RATE_MAX} Hz, not {value!r:.40}")
    return rate
