"""The tree of exceptions: what each can be caught as, what a command exits with, what it says."""

from __future__ import annotations

import pytest

from tbxd_wire import errors


@pytest.mark.parametrize(
    ("error", "caught_as", "exit_code", "says"),
    [
        (errors.FrameError(12, "short"), ValueError, 1, ["12", "short"]),
        (errors.RecordError("no"), errors.WireError, 1, ["no"]),
        (errors.MessageError("no"), errors.WireError, 1, ["no"]),
        (errors.SegmentError("no"), errors.WireError, 1, ["no"]),
        (errors.VersionError((3, 4), (1, 2)), errors.TbxdError, 1, ["3 to 4", "1 to 2"]),
        (errors.DirectoryError("/d", "open"), OSError, 1, ["/d", "open"]),
        (errors.FlushTimeout(1.5, 7, "why"), TimeoutError, 1, ["1.5 s", "7 bytes", "why"]),
        (errors.DaemonHeld("/d", "pid 5"), errors.TbxdError, 1, ["/d", "pid 5"]),
        (errors.DaemonUnreachable("/d", "no"), errors.TbxdError, 3, ["/d", "no"]),
        (errors.ConfigError("no"), ValueError, 2, ["no"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_error(
    error: errors.TbxdError, caught_as: type[Exception], exit_code: int, says: list[str]
) -> None:
    assert isinstance(error, errors.TbxdError)
    assert isinstance(error, caught_as)
    assert error.exit_code == exit_code
    assert all(each in str(error) for each in says)
