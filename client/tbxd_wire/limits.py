"""Every number both sides must agree on, with its unit and its reason. Imports nothing of ours."""

from __future__ import annotations

KIB = 1 << 10
MIB = 1 << 20

PROTOCOL_OLDEST = 1
PROTOCOL_NEWEST = 1
"""Versions of the conversation this release speaks, both inclusive."""

SESSION_BYTES = 16
"""A session's name: 128 random bits, so that no two processes ever share one."""

FRAME_BODY_BYTES = 256 * MIB
"""Largest body of one frame. It is the daemon's default memory limit: a record above it could
never be accepted."""

MESSAGE_HEAD_BYTES = 64 * KIB
"""Largest first part of a message (a batch's payload travels in its own part). A hello with a
path of PATH_MAX bytes in each field stays below it."""

REPORT_HEAD_BYTES = 64 * MIB
"""Largest first part of a REPORT: about 1 KiB for each of some ten thousand sessions. Only whoever
asked for one allows it."""

PAYLOAD_BYTES = FRAME_BODY_BYTES + 64 * KIB
"""Largest payload of a batch: one record of the largest size, or any number of whole frames."""

WINDOW_BYTES = 8 * MIB
"""Most bytes a session may have sent and not yet seen acknowledged: about 100 ms of a trainer
that logs scalars flat out, so that one late ack never stops the stream."""

CUT_BYTES = 64 * KIB
"""Spacing of the places at which a backlog may be cut into batches: about 1,000 scalars."""

BATCH_BYTES = 1 * MIB
"""A batch is not grown beyond this (a single larger record still travels whole): it bounds how
long the daemon works on one session before it looks at the next."""

SEGMENT_HEAD_BYTES = 8 * KIB
"""Room for the head of a segment; holds the hello with a run directory of PATH_MAX bytes."""

SEGMENT_SMALL_BYTES = 64 * KIB
"""Size of the first segment of a session: all that an idle writer costs."""

SEGMENT_BYTES = 4 * MIB
"""Size of an ordinary segment; a larger record gets a segment of its own size."""

JOURNAL_LIMIT_BYTES = 1024 * MIB
"""Default for all journals of one process together."""

POSITION_MAX = 1 << 62
"""Bound of every position and count that comes from elsewhere: far beyond any stream (4 EiB), and
sums of two still fit where they are sent on."""

STEP_MIN = -(1 << 63)
STEP_MAX = (1 << 63) - 1
"""A step is an int64 in TensorBoard's Event."""

EMBEDDED_IDLE_EXIT_S = 60
"""Idle time of a daemon that somebody started on the way: long enough that a script run again and
again finds it warm, short enough that nothing stays behind on a shared machine."""

COALESCE_S = 0.020
"""How long the sender gathers records before it sends them."""

PICTURE_CHANNELS = 4
"""Most channels of a picture: RGB and alpha, the most that a PNG has."""

LISTED_PICTURES = 4096
"""Most pictures in a list, in which each is an array of its own. One array may hold any number."""

BOXES = 5_000
"""Most boxes in a picture: the daemon draws so many around one of 16 megapixels in a second, and
their labels in three."""

RESCALED_PIXELS = 1 << 25
"""Most pixels of a picture that is made larger than it was: 8192 x 4096."""

FRAME_SIDE = 65_535
"""Longest side of a video's frame, in pixels: a GIF has 16 bits for it."""

FRAMES = 10_000
"""Most frames of a video: 40 minutes at 4 a second. Each costs the daemon about 0.2 ms, however
small it is."""

CURVE_POINTS = 1 << 22
"""Most points of a curve: 4 million, which the daemon draws in a second."""
