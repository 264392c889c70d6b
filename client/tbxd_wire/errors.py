"""Every exception that tbxd itself raises.

::

    TbxdError                     exit_code 1
    ├── WireError (ValueError)    bytes that are not what their format says
    │   ├── FrameError            a frame: short, oversized, wrong checksum
    │   ├── RecordError           a whole frame that holds no valid record
    │   ├── MessageError          a message of the conversation
    │   └── SegmentError          the head of a journal segment
    ├── VersionError              client and daemon share no protocol version
    ├── DirectoryError (OSError)  a runtime directory that cannot be trusted or made
    ├── FlushTimeout (TimeoutError)  not everything was committed in time
    ├── DaemonHeld                another daemon serves this directory
    ├── DaemonUnreachable         exit_code 3: no daemon answered
    └── ConfigError (ValueError)  exit_code 2: an option with an unusable value

A caller's own mistakes (a shape, a type, a tag) raise the built-in exceptions that users of
tensorboardX and torch.utils.tensorboard already catch; they are not in this tree.
"""

from __future__ import annotations


class TbxdError(Exception):
    """Root of the tree. ``exit_code`` is what a command that fails with it exits with."""

    exit_code = 1


class WireError(TbxdError, ValueError):
    """Bytes that are not what their format says."""


class FrameError(WireError):
    """The bytes at ``offset`` are no whole, valid frame."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"no valid frame at byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason


class RecordError(WireError):
    """A frame was whole, but what it holds is no valid record."""


class MessageError(WireError):
    """A message that does not follow the conversation's format."""


class SegmentError(WireError):
    """A journal segment whose head cannot be read."""


class VersionError(TbxdError):
    """Client and daemon share no protocol version."""

    def __init__(self, theirs: tuple[int, int], ours: tuple[int, int]) -> None:
        super().__init__(
            f"no common protocol version: the other side speaks {theirs[0]} to {theirs[1]}, "
            f"this side {ours[0]} to {ours[1]}; install the same tbxd release on both"
        )
        self.theirs = theirs
        self.ours = ours


class DirectoryError(TbxdError, OSError):
    """A runtime directory that cannot be made, or that somebody else could write to."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class FlushTimeout(TbxdError, TimeoutError):
    """Not everything logged before was in the event files when the time was over.

    Nothing is lost by it: the journal keeps what is missing, and a daemon will write it. Only what
    a signal handler has logged in the midst of another call that logs is not in the journal before
    that call goes on; ``why`` says so.
    """

    def __init__(self, timeout_s: float, pending_bytes: int, why: str) -> None:
        super().__init__(
            f"{pending_bytes} bytes of records were not yet in the event files after"
            f" {timeout_s:g} s ({why}); what is in the journal stays there and will be written when"
            f" a daemon gets to it"
        )
        self.timeout_s = timeout_s
        self.pending_bytes = pending_bytes
        self.why = why


class DaemonHeld(TbxdError):
    """Another daemon serves this runtime directory."""

    def __init__(self, directory: str, holder: str) -> None:
        super().__init__(f"{directory} is already served by {holder}")
        self.directory = directory
        self.holder = holder


class DaemonUnreachable(TbxdError):
    """No daemon answered on the socket of this runtime directory."""

    exit_code = 3

    def __init__(self, directory: str, reason: str) -> None:
        super().__init__(f"no daemon answers in {directory}: {reason}")
        self.directory = directory
        self.reason = reason


class ConfigError(TbxdError, ValueError):
    """An option or environment variable with a value that cannot be used."""

    exit_code = 2
