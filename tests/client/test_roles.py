"""Who writes where: one tag, one author."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd_client import roles
from tbxd_client.roles import Process
from tbxd_wire import paths


def process(
    rank: int | None = None,
    *,
    own: bool = False,
    worker: int | None = None,
    child: str | None = None,
    parent: str | None = None,
) -> Process:
    return Process(rank, own, worker, child, parent)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        # Started by hand or by a launcher.
        (process(), ""),
        (process(0, own=True), ""),
        (process(1, own=True), "rank1"),
        (process(12, own=True), "rank12"),
        # Children of multiprocessing; the rank, if any, is inherited.
        (process(child="Process-1"), "Process-1"),
        (process(0, child="Process-1"), "Process-1"),
        (process(3, child="Process-1"), "rank3/Process-1"),
        # A child that a launcher in Python has given a rank of its own (torch's spawn).
        (process(0, own=True, child="SpawnProcess-1"), ""),
        (process(3, own=True, child="SpawnProcess-4"), "rank3"),
        # DataLoader workers: below their rank, or below the child that has them.
        (process(worker=0, child="Process-1"), "worker0"),
        (process(0, worker=1, child="Process-1"), "worker1"),
        (process(3, worker=1, child="Process-1"), "rank3/worker1"),
        (process(worker=1, child="Process-1:1", parent="Process-1"), "Process-1/worker1"),
        (process(3, worker=1, child="SpawnProcess-4:1", parent="SpawnProcess-4"), "rank3/worker1"),
        # Names that would lead elsewhere.
        (process(child="a/b"), "a_b"),
        (process(child="../.."), ".._.."),
        (process(child=".."), "_.."),
        (process(child=""), "_"),
        (process(child="x" * 300), "x" * 255),
        (process(child="é" * 200), "é" * 127),
        (process(child="\ud800"), "?"),
    ],
)
def test_role(who: Process, expected: str) -> None:
    assert roles.role(who) == expected
    assert paths.safe_relative(expected) == expected


@given(st.text(max_size=400))
def test_any_name_is_one_component(name: str) -> None:
    component = roles.path_component(name)
    assert paths.safe_relative(component) == component
    assert "/" not in component
    assert component


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"RANK": "0"}, 0),
        ({"RANK": "3"}, 3),
        ({"SLURM_PROCID": "4"}, 4),
        ({"OMPI_COMM_WORLD_RANK": "5"}, 5),
        ({"RANK": "1", "SLURM_PROCID": "0"}, 1),
        ({"RANK": "", "SLURM_PROCID": "2"}, 2),
        ({"RANK": "-1"}, None),
        ({"RANK": "one", "OMPI_COMM_WORLD_RANK": "6"}, 6),
        ({"LOCAL_RANK": "1"}, None),
    ],
)
def test_environment_rank(environ: dict[str, str], expected: int | None) -> None:
    assert roles.environment_rank(environ) == expected


def test_this_process_is_nobody_s_child(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in roles.RANK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert roles.this_process() == process()
    monkeypatch.setenv("RANK", "2")
    assert roles.this_process() == process(2, own=True)
