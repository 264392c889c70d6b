"""The windows of all sessions fit under the limit, and stay still while few come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tbxd.intake.grants import EXHAUSTED_WINDOW_BYTES, window
from tbxd_wire.limits import CUT_BYTES, MIB, WINDOW_BYTES

limits = st.integers(MIB, 1 << 36)


@given(limits, st.integers(1, 1 << 20))
def test_all_windows_together_stay_below_the_limit(limit: int, sessions: int) -> None:
    size = window(limit, sessions)
    if size >= CUT_BYTES:
        assert sessions * size <= limit
    else:
        assert size == EXHAUSTED_WINDOW_BYTES
        assert sessions > limit // CUT_BYTES


@given(limits, st.integers(1, 1 << 20))
def test_a_window_is_a_power_of_two_within_its_bounds(limit: int, sessions: int) -> None:
    size = window(limit, sessions)
    assert size.bit_count() == 1
    assert 1 <= size <= WINDOW_BYTES


@given(limits, st.integers(1, 1 << 20), st.integers(0, 1 << 20))
def test_more_sessions_never_get_larger_windows(limit: int, sessions: int, more: int) -> None:
    assert window(limit, sessions + more) <= window(limit, sessions)


@given(limits, st.integers(1, 1 << 12))
def test_half_of_what_would_fit_is_never_left_unused(limit: int, sessions: int) -> None:
    size = window(limit, sessions)
    if CUT_BYTES <= size < WINDOW_BYTES:
        assert 2 * size > limit // sessions


def test_the_defaults() -> None:
    assert window(256 * MIB, 0) == WINDOW_BYTES
    assert window(256 * MIB, 32) == WINDOW_BYTES
    assert window(256 * MIB, 33) == WINDOW_BYTES // 2
    assert window(256 * MIB, 4096) == CUT_BYTES
    assert window(256 * MIB, 4097) == 1
