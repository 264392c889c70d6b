"""The conversation between a client (DEALER) and the daemon (ROUTER).

A message is one or two parts. The first is a msgpack array ``[type, session, ...]`` whose fields
are those of the class of that type, in order; the second, of a batch only, is the frames
themselves, untouched. Fields are only ever appended, with a default for who does not send them, and
a reader ignores those that it does not know; an unknown type is an error that the receiver counts
and survives.

::

    client                                daemon
    HELLO  who I am, where I can begin ->
                                       <- WELCOME  begin here, send up to limit
    BATCH  position + frames           ->
                                       <- ACK      committed up to position, send up to limit
    BYE    ended at position           ->
                                       <- RESYNC   who are you? say hello again
                                       <- REJECT   this session is over, and why
                                       <- NOTICE   trouble worth one warning; nothing is lost
                                       <- REFUSED  so many records more are lost, and why
    STATUS                             ->
                                       <- REPORT   a dictionary
    (a REPORT may be asked for without any session)

Guarantees:
    An ACK of a position is sent only when every event of the frames before it is in its event
    file (with ``--fsync commit``: on stable storage). ``flush`` therefore needs no message of its
    own: it is an ack of the position at which it was called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgpack

from .errors import MessageError
from .limits import (
    MESSAGE_HEAD_BYTES,
    PAYLOAD_BYTES,
    POSITION_MAX,
    PROTOCOL_NEWEST,
    PROTOCOL_OLDEST,
    SESSION_BYTES,
)

Parts = list[bytes | memoryview]
"""A message as it is handed to the socket."""

NO_SESSION = bytes(SESSION_BYTES)
"""The session field of a message that is about none."""


class Hello(NamedTuple):
    """A session introduces itself; it may send nothing else before the welcome.

    Also kept in the head of every journal segment, so that recovery knows what the process knew.
    """

    session: bytes
    oldest: int
    """Oldest protocol version the client speaks."""
    newest: int
    """Newest protocol version the client speaks."""
    position: int
    """First byte the client can still send: everything before it is committed."""
    known: bool
    """True once any daemon has welcomed this session: event files may hold parts of it."""
    run: str
    """Absolute path of the run directory, as the client's working directory makes it."""
    role: str
    """Path of the author below the run directory; "" writes the run itself."""
    pid: int
    host: str
    suffix: str
    """Appended to the name of the event file."""
    job: str
    """Which ``tbxd exec`` the process belongs to; "" for none."""
    started: float
    """Wall time at which the session began, seconds since 1970."""


class Welcome(NamedTuple):
    session: bytes
    version: int
    """The protocol version both sides use from now on."""
    position: int
    """Where to begin: everything before it has been accepted."""
    limit: int
    """Position up to which the client may send (or one batch, if that is longer)."""


class Batch(NamedTuple):
    """Whole frames that begin at ``position`` of the session's stream."""

    session: bytes
    position: int
    behind: int
    """Bytes that wait in the journal behind this batch."""
    shed: int
    """Records this session has refused since it began because its journal was full."""
    payload: bytes | memoryview
    """Travels as the second part."""


class Ack(NamedTuple):
    session: bytes
    position: int
    """Every event of the frames before it is in its event file."""
    limit: int
    """As in :class:`Welcome`."""


class Resync(NamedTuple):
    """The daemon does not know this session; say hello again."""

    session: bytes


class Bye(NamedTuple):
    """The session ends at ``position``; nothing follows."""

    session: bytes
    position: int
    shed: int
    cause: str = ""
    """Name of the exception of which its process, or the writer's ``with`` block, ends; "" for
    none."""


class Reject(NamedTuple):
    """The daemon takes nothing more from this session; the journal keeps what it holds."""

    session: bytes
    reason: str


class Notice(NamedTuple):
    """Trouble on the daemon's side (a full disk, say) that holds this session up."""

    session: bytes
    text: str


class Status(NamedTuple):
    """Somebody asks how things are."""

    session: bytes


class Report(NamedTuple):
    """The answer to :class:`Status`; its keys are those of ``tbxd status --json``."""

    session: bytes
    facts: dict[str, Any]


class Refused(NamedTuple):
    """Records that can never be written; it comes before the ack that has them behind it."""

    session: bytes
    records: int
    """Since the last such message."""
    reason: str
    """Of the newest of them."""


Message = Hello | Welcome | Batch | Ack | Resync | Bye | Reject | Notice | Status | Report | Refused

TYPES: dict[int, type[Message]] = {
    1: Hello,
    2: Welcome,
    3: Batch,
    4: Ack,
    5: Resync,
    6: Bye,
    7: Reject,
    8: Notice,
    9: Status,
    10: Report,
    11: Refused,
}
"""What a message begins with says what it is."""

_NUMBERS = {message: number for number, message in TYPES.items()}

# The declared type of each field, as the class that an unpacked value must have. Every annotation
# above is one of these names, so a field of another type fails here, at import.
_PLAIN: dict[str, type] = {
    "bytes": bytes,
    "int": int,
    "str": str,
    "bool": bool,
    "float": float,
    "dict[str, Any]": dict,
}
_PAYLOAD = "payload"
_FIELDS: dict[int, tuple[tuple[str, type], ...]] = {
    number: tuple(
        (name, _PLAIN[message.__annotations__[name].__forward_arg__])
        for name in message._fields
        if name != _PAYLOAD
    )
    for number, message in TYPES.items()
}


def encode(message: Message) -> Parts:
    """Return the parts of ``message``.

    A text may hold what is no character, such as a name of a file system that is not UTF-8: it
    arrives with a backslash and a number in its place.
    """
    number = _NUMBERS[type(message)]
    # The payload, which is no part of the head, is the last field.
    fields = message[: len(_FIELDS[number])]
    parts: Parts = [msgpack.packb((number, *fields), unicode_errors="backslashreplace")]
    if isinstance(message, Batch):
        parts.append(message.payload)
    return parts


def decode(
    parts: Sequence[bytes | memoryview], head_limit_bytes: int = MESSAGE_HEAD_BYTES
) -> Message:
    """Return the message of ``parts``, every field checked for its type.

    Args:
        parts: as they came from the socket.
        head_limit_bytes: largest first part; who waits for a REPORT allows REPORT_HEAD_BYTES.

    Raises:
        MessageError: anything else; it says what was expected.
    """
    if not parts:
        raise MessageError("a message has at least one part")
    if len(parts[0]) > head_limit_bytes:
        raise MessageError(f"a head of {len(parts[0])} bytes is above {head_limit_bytes}")
    try:
        head = msgpack.unpackb(parts[0])
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise MessageError(f"the head is not msgpack: {error}") from None
    if type(head) is not list or not head or type(head[0]) is not int:
        raise MessageError("the head must be an array that begins with the message's type")
    message = TYPES.get(head[0])
    if message is None:
        raise MessageError(f"message type {head[0]} is unknown")
    expected_fields = _FIELDS[head[0]]
    least = len(expected_fields) - len(message._field_defaults)
    if len(head) <= least:
        raise MessageError(f"a {message.__name__} has {least} fields, this one {len(head) - 1}")
    values: dict[str, Any] = {}
    for (name, expected), value in zip(expected_fields, head[1:], strict=False):
        if type(value) is not expected:
            raise MessageError(
                f"{message.__name__}.{name} must be {expected.__name__}, not {type(value).__name__}"
            )
        if type(value) is int and not 0 <= value <= POSITION_MAX:
            raise MessageError(
                f"{message.__name__}.{name} must be between 0 and {POSITION_MAX}, not {value}"
            )
        values[name] = value
    if len(values["session"]) != SESSION_BYTES:
        raise MessageError(f"a session's name has {SESSION_BYTES} bytes")
    if message is Batch:
        if len(parts) != 2:
            raise MessageError("a Batch has two parts")
        if len(parts[1]) > PAYLOAD_BYTES:
            raise MessageError(f"a payload of {len(parts[1])} bytes is above {PAYLOAD_BYTES}")
        values[_PAYLOAD] = parts[1]
    elif len(parts) != 1:
        raise MessageError(f"a {message.__name__} has one part")
    return message(**values)


def common_version(oldest: int, newest: int) -> int | None:
    """Return the newest protocol version that both sides speak, or None."""
    version = min(newest, PROTOCOL_NEWEST)
    return version if version >= max(oldest, PROTOCOL_OLDEST) else None
