"""Which paths below a run directory may be named: one rule for both sides.

A role, a tag of ``add_scalars`` and its keys become directories. A name can only lead downwards,
and two different names never lead to the same place. Nothing is repaired here: what breaks the
rule is refused with its reason, by the writer at once and by the daemon again. The tag of an
embedding alone is encoded, as it is not meant as a path.
"""

from __future__ import annotations

from .errors import RecordError

COMPONENT_BYTES = 255
"""NAME_MAX of every common file system: a longer component could never be made."""

RELATIVE_BYTES = 1024
"""Longest path below a run directory. With a run directory of up to PATH_MAX - 1024 - 256 bytes,
the event file in it can always be opened: a path that could not be would stop its session for
good, where refusing the record loses only the record."""

RUN_BYTES = 4095 - 1 - COMPONENT_BYTES
"""Longest path of a directory in which an event file of any name can be opened: PATH_MAX of Linux
without its terminating zero, a slash, and the name."""

SUFFIX_BYTES = 64
"""Longest suffix of an event file's name: beside it there is room for a host name of 64 bytes
(HOST_NAME_MAX) and the numbers."""


def safe_relative(path: str) -> str:
    """Return ``path`` unchanged if it stays below the directory it is joined to; "" is that itself.

    Raises:
        RecordError: the path is absolute, has an empty, "." or ".." component, holds a NUL or
            something that UTF-8 cannot express, or is too long for a file system.
    """
    if path == "":
        return path
    try:
        encoded = path.encode("utf-8")
    except UnicodeEncodeError:
        raise RecordError(
            f"the path {path!r:.80} has characters that UTF-8 cannot express"
        ) from None
    if len(encoded) > RELATIVE_BYTES:
        raise RecordError(
            f"the path {path[:40]!r}... has {len(encoded)} bytes, {RELATIVE_BYTES} are allowed"
        )
    if b"\0" in encoded:
        raise RecordError(f"the path {path!r:.80} holds a NUL")
    if encoded.startswith(b"/"):
        raise RecordError(
            f"the path {path!r:.80} is absolute; it must lead below the run directory"
        )
    for component in encoded.split(b"/"):
        if component in (b"", b".", b".."):
            shown = component.decode() or "an empty one"
            raise RecordError(f"the path {path!r:.80} has a component that names no place: {shown}")
        if len(component) > COMPONENT_BYTES:
            raise RecordError(
                f"the path {path[:40]!r}... has a component of {len(component)} bytes,"
                f" file systems allow {COMPONENT_BYTES}"
            )
    return path


def has_room(directory: bytes) -> bool:
    """Return whether an event file could be opened in ``directory``, an absolute path."""
    return len(directory) <= RUN_BYTES


_ENCODED = str.maketrans({character: f"%{ord(character):02x}" for character in "%/\\\0"})


def directory_of_tag(tag: str) -> str:
    """Return the name of the directory in which the files of a tag lie: one component of a path.

    As both peers have it, "%", "/" and the backslash are encoded with a percent sign; and what is
    no name in a file system: a NUL, the dots of "." and "..". The empty tag becomes "%", which no
    other tag does.

    Raises:
        RecordError: UTF-8 cannot express the tag, or the name is longer than COMPONENT_BYTES.
    """
    name = tag.translate(_ENCODED) or "%"
    if name in (".", ".."):
        name = name.replace(".", "%2e")
    return safe_relative(name)


def safe_suffix(suffix: str) -> str:
    """Return ``suffix`` unchanged if it can end a file's name.

    Raises:
        RecordError: it holds a "/", a NUL, something that UTF-8 cannot express, or is too long.
    """
    try:
        encoded = suffix.encode("utf-8")
    except UnicodeEncodeError:
        raise RecordError(
            f"the file suffix {suffix!r:.80} has characters that UTF-8 cannot express"
        ) from None
    if b"/" in encoded or b"\0" in encoded:
        raise RecordError(f"the file suffix {suffix!r:.80} holds a slash or a NUL")
    if len(encoded) > SUFFIX_BYTES:
        raise RecordError(
            f"the file suffix {suffix[:20]!r}... has {len(encoded)} bytes,"
            f" {SUFFIX_BYTES} are allowed"
        )
    return suffix
