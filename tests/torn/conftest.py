"""What a daemon makes of the journal when nothing is torn: the measure of all that is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory import ROOT
from tests.tbxd.wards import Ward

from . import journal
from .found import events_in


@pytest.fixture
def long(pytestconfig: pytest.Config) -> bool:
    """Whether there is time for every case."""
    return bool(pytestconfig.getoption("long"))


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory for thousands of cases."""
    with tempfile.TemporaryDirectory(prefix="tbxd-torn-", dir=ROOT) as made:
        yield Path(made)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The event of each record."""
    ward = Ward(tmp_path_factory.mktemp("whole"))
    journal.leave(ward.journals, ward.hello(), 0, lambda content: None)
    ward.work_off()
    ward.close()
    found = events_in(Path(ward.runs))
    assert len(found) == journal.RECORDS
    assert len(set(found)) == journal.RECORDS
    return found
