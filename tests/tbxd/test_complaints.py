"""The log stays readable however often the same thing goes wrong."""

from __future__ import annotations

import logging

import pytest

from tbxd.complaints import Complaints


@pytest.fixture
def complaints() -> Complaints:
    return Complaints(logging.getLogger("tests.complaints"), interval_s=10.0)


def test_the_first_of_each_kind_is_said_at_once(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    complaints.say("disk", "the disk is full", 0.0)
    complaints.say("message", "a malformed message", 0.0)
    assert caplog.messages == ["the disk is full", "a malformed message"]


def test_the_rest_is_counted_until_the_interval_is_over(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    for tenth in range(100):
        complaints.say("message", "a malformed message", tenth * 0.1)
    assert len(caplog.messages) == 1
    complaints.say("message", "a malformed message", 10.0)
    assert "99 more like it" in caplog.messages[1]
    complaints.say("message", "a malformed message", 20.0)
    assert caplog.messages[2] == "a malformed message"


def test_text_from_outside_is_no_format(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    complaints.say("message", "100%s of %d", 0.0)
    assert caplog.messages == ["100%s of %d"]
