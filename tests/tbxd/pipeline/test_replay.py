"""Daemons that die at any byte of any file, and replays that are cut in any way: once, in order."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tbxd.config import Config, Fsync
from tbxd.encode import encode
from tbxd.intake.roster import Roster
from tbxd.pipeline import Pipeline
from tbxd.reading.events import event_files, events_of
from tbxd_wire import frame, records
from tbxd_wire.kinds import Kind
from tests.tbxd.hellos import hello_of


def body_of(kind: int, step: int) -> bytes:
    """Return a record: some go into the run, some into one or two sub-runs, one nowhere."""
    wall_time = 1.7e9 + step
    if kind == 0:
        return records.pack((records.SCALAR, "loss", step, wall_time, float(step)))
    if kind == 1:
        return records.encode(Kind.SCALAR_GROUP, "g", step, wall_time, {"a": 1.0})
    if kind == 2:
        return records.encode(Kind.SCALAR_GROUP, "g", step, wall_time, {"a": 1.0, "b": 2.0})
    if kind == 3:
        return records.encode(Kind.TEXT, "note", step, wall_time, "x" * step)
    return records.pack((200, "of another age", step, wall_time))


streams = st.lists(st.integers(0, 4), min_size=1, max_size=25).map(
    lambda kinds: [body_of(kind, step) for step, kind in enumerate(kinds, 1)]
)


@settings(max_examples=150, deadline=None)
@given(streams, st.data())
def test_every_event_once_and_in_order(bodies: list[bytes], data: st.DataObject) -> None:
    expected: dict[str, list[bytes]] = defaultdict(list)
    for body in bodies:
        if records.decode(body)[0] != 200:
            for relative, event in encode(records.decode(body)):
                expected[relative].append(event)
    frames = [frame.encode(body) for body in bodies]
    ends = [0]
    for each in frames:
        ends.append(ends[-1] + len(each))
    stream = b"".join(frames)
    session = os.urandom(16)

    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        acked = 0
        for _ in range(data.draw(st.integers(1, 4), label="deaths")):
            pipeline = Pipeline(Config(place, fsync=Fsync.NEVER), lambda: None)
            # The client may not have heard of the last acks.
            begin = data.draw(st.sampled_from([end for end in ends if end <= acked]), label="from")
            hello = hello_of(str(run), session=session, position=begin, known=True)
            entry = Roster(1 << 28).add(hello, str(run), 0.0)
            position = begin
            while position < ends[-1]:
                cut = data.draw(st.sampled_from([end for end in ends if end > position]))
                assert pipeline.feed(entry, position, memoryview(stream)[position:cut]) is None
                position = cut
                if data.draw(st.booleans(), label="round ends"):
                    before = sizes(run)
                    pipeline.commit(0.0)
                    if data.draw(st.booleans(), label="dies while writing"):
                        tear(run, before, data)
                        break
                    acked = max(acked, entry.session.committed)
            else:
                pipeline.commit(0.0)
                acked = max(acked, entry.session.committed)
            pipeline.close()
        finish(run, session, stream, acked)
        for relative in ("", "g/a", "g/b"):
            found = [
                event.SerializeToString()
                for event in events_of(str(run / relative))
                if event.HasField("summary")
            ]
            assert found == expected[relative], relative


def sizes(run: Path) -> dict[str, int]:
    """Return the size of each event file."""
    found = {}
    for directory, _, _ in os.walk(run):
        for path in event_files(directory):
            found[path] = os.path.getsize(path)
    return found


def tear(run: Path, before: dict[str, int], data: st.DataObject) -> None:
    """Take back any part of what the last round wrote to each file."""
    for path, size in sizes(run).items():
        os.truncate(path, data.draw(st.integers(before.get(path, 0), size), label="torn at"))


def finish(run: Path, session: bytes, stream: bytes, acked: int) -> None:
    """Let one last daemon write what is still missing, in one batch."""
    pipeline = Pipeline(Config(str(run.parent), fsync=Fsync.NEVER), lambda: None)
    hello = hello_of(str(run), session=session, position=acked, known=True)
    entry = Roster(1 << 28).add(hello, str(run), 0.0)
    if acked < len(stream):
        assert pipeline.feed(entry, acked, memoryview(stream)[acked:]) is None
        pipeline.commit(0.0)
    assert entry.session.committed == len(stream)
    pipeline.close()
