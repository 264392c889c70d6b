"""The statement on its own; tests/tbxd/sinks/test_exactly_once.py shows that it suffices."""

from __future__ import annotations

from tbxd.format.marks import Section
from tbxd.format.progress import Progress

SESSION = b"\x01" * 16


def test_a_whole_section_covers_everything_before_its_end() -> None:
    progress = Progress.of_section(Section(SESSION, 100, 200, 5), found=5)
    assert [progress.written(start) for start in (0, 100, 199, 200, 300)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert progress.restated(SESSION) is None


def test_a_torn_section_covers_as_many_events_as_were_found() -> None:
    progress = Progress.of_section(Section(SESSION, 100, 200, 5), found=2)
    assert [progress.written(start) for start in (0, 90, 100, 120, 150, 160)] == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_count_that_goes_on_behind_a_batch_is_stated_again() -> None:
    progress = Progress.of_section(Section(SESSION, 100, 200, 5), found=3)
    assert progress.written(110)
    assert progress.written(130)
    section = progress.restated(SESSION)
    assert section == Section(SESSION, 131, 200, 0, 1)
    assert progress.restated(SESSION) is None
    again = Progress.of_section(section, found=0)
    assert again.written(110)
    assert again.written(150)
    assert not again.written(160)


def test_a_batch_before_the_torn_place_is_not_stated() -> None:
    progress = Progress.of_section(Section(SESSION, 100, 200, 5), found=3)
    assert progress.written(50)
    assert progress.restated(SESSION) is None


def test_nothing_behind_the_torn_section_is_counted() -> None:
    progress = Progress.of_section(Section(SESSION, 100, 200, 5), found=3)
    assert not progress.written(200)
