from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.format.names import event_file_name
from tbxd_wire.errors import RecordError


def name_of(existing: list[str], wall_time: float = 1_700_000_000.9, **other: str) -> str:
    return event_file_name(
        existing, wall_time, other.get("host", "node1"), 42, 7, other.get("suffix", "")
    )


def test_a_name_is_the_peers() -> None:
    assert name_of([], suffix=".v2") == "events.out.tfevents.1700000000.node1.42.7.v2"


@pytest.mark.parametrize(
    "existing",
    [
        "events.out.tfevents.1700000000.zzz.9.9",
        "events.out.tfevents.1700000000",
        "events.out.tfevents.1700000005.node1.42.0",
        "events.out.tfevents.9999999999.node1.42.0",
        "events.out.tfevents.99999999999.node1.42.0",
        "events.out.tfevents.0.node1",
    ],
)
def test_it_sorts_behind_every_other(existing: str) -> None:
    assert name_of([existing, "checkpoint.pt", "events.out.tfevents."]) > existing


@given(
    st.lists(
        st.builds(
            lambda digits, rest: f"events.out.tfevents.{digits}{rest}",
            st.integers(0, 10**12).map(str) | st.sampled_from(["9999999999", "1700000000"]),
            st.sampled_from(["", ".host.1.2", ".z"]),
        )
    ),
    st.floats(-1e3, 1e10),
)
def test_it_sorts_behind_all_whatever_the_clock_says(existing: list[str], now: float) -> None:
    for _ in range(4):
        name = name_of(existing, now)
        assert all(name > other for other in existing)
        existing = [*existing, name]


@pytest.mark.parametrize(
    ("host", "shown"),
    [("a/b", "a_b"), ("", "_"), ("x" * 300, "x" * 64), ("knöten\n", "kn_ten_")],
)
def test_any_host_makes_a_name(host: str, shown: str) -> None:
    assert name_of([], host=host) == f"events.out.tfevents.1700000000.{shown}.42.7"


@pytest.mark.parametrize("suffix", ["a/b", "\0", "x" * 65, "\ud800"])
def test_a_suffix_that_ends_no_name_is_refused(suffix: str) -> None:
    with pytest.raises(RecordError):
        name_of([], suffix=suffix)
