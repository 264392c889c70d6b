"""A reader that follows the event files of a directory and notes when each record is whole.

A helper process of the latency measurement: ``python -m tests.bench.tail LOGDIR TAG``. It polls
about every 0.2 ms; its own delay is what the floor of that measurement shows. Told a number of
records and seconds (one line, both), it answers with the instants of the steps it saw once it has
seen so many, or when the seconds are over.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time

from tensorboard.compat.proto.event_pb2 import Event

from .count import event_files
from .framing import hop

_POLL_S = 0.0002
_LISTING_POLLS = 50
"""Once there is a file, the directory is listed only every so many polls: new ones are rare."""


class Follower:
    """What was read of the files so far."""

    def __init__(self, logdir: str, tag: str) -> None:
        self._logdir = logdir
        self._tag = tag
        self._event = Event()
        self._open: dict[str, int] = {}
        self._partial: dict[str, bytes] = {}
        self.seen: dict[int, int] = {}
        """The instant, CLOCK_MONOTONIC in ns, at which each step could be read."""

    @property
    def following(self) -> bool:
        """Whether any file was found yet."""
        return bool(self._open)

    def find_files(self) -> None:
        """Open event files that are new."""
        for path in event_files(self._logdir):
            if path not in self._open:
                self._open[path] = os.open(path, os.O_RDONLY)
                self._partial[path] = b""

    def read(self) -> None:
        """Take in what was appended to the open files."""
        for path, descriptor in self._open.items():
            while added := os.read(descriptor, 1 << 20):
                now = time.monotonic_ns()
                content = self._partial[path] + added
                whole = 0
                for end, data in hop(content):
                    self._note(data, now)
                    whole = end
                self._partial[path] = content[whole:]

    def _note(self, data: bytes, now: int) -> None:
        self._event.ParseFromString(data)
        if any(value.tag == self._tag for value in self._event.summary.value):
            self.seen.setdefault(self._event.step, now)


def main(logdir: str, tag: str) -> None:
    """Follow until told to answer, then answer."""
    follower = Follower(logdir, tag)
    print(json.dumps("ready"), flush=True)
    expected, deadline = sys.maxsize, float("inf")
    polls = 0
    while len(follower.seen) < expected and time.monotonic() < deadline:
        if polls % _LISTING_POLLS == 0 or not follower.following:
            follower.find_files()
        polls += 1
        follower.read()
        if expected < sys.maxsize:
            time.sleep(_POLL_S)
        elif select.select([sys.stdin], [], [], _POLL_S)[0]:
            records, wait_s = sys.stdin.readline().split()
            expected, deadline = int(records), time.monotonic() + float(wait_s)
    print(json.dumps(follower.seen), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
