"""The division of the descriptors: nobody's share is another's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.shares import LEAST, Shares
from tbxd_wire.errors import ConfigError


@given(st.integers(LEAST, 1 << 30))
def test_together_they_are_all_but_what_the_daemon_opens_for_itself(limit: int) -> None:
    shares = Shares(limit)
    assert shares.event_files + shares.journals + shares.connections == limit - 48


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(89, (22, 11, 8)), (256, (64, 32, 112)), (1024, (256, 128, 592))],
)
def test_shares_of_small_limits(limit: int, expected: tuple[int, int, int]) -> None:
    shares = Shares(limit)
    assert (shares.event_files, shares.journals, shares.connections) == expected


@pytest.mark.parametrize("limit", [0, 1, 24, 64, 88])
def test_too_few_are_refused(limit: int) -> None:
    with pytest.raises(ConfigError, match=rf"needs 89 file descriptors .* may have {limit} here"):
        Shares(limit)


def test_without_a_limit_there_are_very_many() -> None:
    assert Shares(-1).connections > 500_000
