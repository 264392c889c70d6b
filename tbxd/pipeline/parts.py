"""A batch in parts of which each can be a round of its own, where files must not become large."""

from __future__ import annotations

from collections.abc import Iterator

from tbxd.sinks.file_limit import round_bytes
from tbxd_wire.frame import HEADER, HEADER_BYTES, body_length

_TIMES = 8
"""So much longer than its frame an event and its framing may be: that of a histogram of few values
is, by its bins. Where the event alone is too long, its record is refused."""


def parts(frames: memoryview) -> Iterator[memoryview]:
    """Yield the frames of a batch, cut between two of them where files must not become large.

    A frame that is longer than a part has one of its own, with what comes before it. What is no
    frame is in the last part.
    """
    most = round_bytes() / _TIMES
    begin = end = 0
    if len(frames) > most:
        while end + HEADER_BYTES <= len(frames):
            if end - begin >= most:
                yield frames[begin:end]
                begin = end
            word, _ = HEADER.unpack_from(frames, end)
            end += HEADER_BYTES + body_length(word)
    yield frames[begin:]
