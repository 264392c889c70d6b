"""The daemon's side of the conversation, told anything by anybody.

An input is a script: hellos, batches, farewells, rubbish, rounds of the daemon's loop, time that
passes, all of a few sessions over two connections. Behind it are a real pipeline and real recovery
in a directory of their own, so whatever a message leads to is reached from here.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from tbxd.config import Config, Fsync
from tbxd.conversation import Conversation
from tbxd.intake.roster import Roster
from tbxd.pipeline import Pipeline
from tbxd.recover import Recovery
from tbxd_wire import messages
from tbxd_wire.errors import MessageError
from tbxd_wire.limits import REPORT_HEAD_BYTES
from tests.memory import ROOT
from tests.tbxd.hellos import hello_of

from . import pieces
from .cursor import Cursor

_SESSIONS = [bytes([number]) * 16 for number in range(4)]
"""The first one is the name that no session may have."""
_VERSIONS = [(1, 1), (0, 0), (2, 9), (1, 9), (0, 1), (9, 1)]
_ROLES = ["", "", "rank1", "worker1/x", "..", "/etc", "a//b", "\ud800", "x" * 300]
_SUFFIXES = ["", "", ".one", "/two", "\0"]
_PATIENCE_S = 60.0


class Scene:
    """One daemon without its socket, and what it has said."""

    def __init__(self, directory: Path, *, notes: bool) -> None:
        self.runs = directory / "runs"
        self.now = 1000.0
        self.said: list[messages.Message] = []
        self.roster = Roster(1 << 20)
        self._woken = threading.Event()
        config = Config(str(directory / "journals"), fsync=Fsync.NEVER, notes=notes)
        self.pipeline = Pipeline(config, self._woken.set, patience_s=60.0)
        self._recovery = Recovery(config.directory, self.roster, self.pipeline)
        self._conversation = Conversation(
            config.directory, self.roster, self.pipeline, self._recovery, self._send, dict, self.now
        )

    def _send(self, _peer: bytes, message: messages.Message) -> bool:
        head, *_ = messages.encode(message)
        self.said.append(messages.decode([head], REPORT_HEAD_BYTES))
        return True

    def hear(self, peer: int, *parts: bytes | memoryview) -> None:
        """Take one message."""
        self._conversation.take(b"peer%d" % peer, [memoryview(part) for part in parts], self.now)

    def turn(self) -> None:
        """One turn of the daemon's loop."""
        self.pipeline.commit(self.now)
        self._recovery.step(self.now)
        self._conversation.answer(self.roster.window)

    def wait(self, seconds: float) -> None:
        """Let time pass, and look around as the daemon does."""
        self.now += seconds
        self._recovery.scan(self.now)
        self.pipeline.tidy(self.roster)
        self.roster.tidy()
        self.roster.shrink()

    def finish(self) -> None:
        """Have everything written that was taken over, and see that it is in order."""
        self.turn()
        while not self.pipeline.drained:
            assert self._woken.wait(_PATIENCE_S), "the pipeline waits for nothing"
            self._woken.clear()
            self.now += 10.0
            self.turn()
        for entry in self.roster:
            assert entry.session.committed == entry.session.accepted
            assert entry.path == str(self.runs) or entry.path.startswith(f"{self.runs}/")
        pieces.check_event_files(str(self.runs))

    def close(self) -> None:
        """Let go of everything."""
        self._recovery.close()
        self.pipeline.close()


def conversation(data: bytes) -> None:
    """Play a script."""
    cursor = Cursor(data)
    directory = Path(tempfile.mkdtemp(prefix="tbxd-fuzz-", dir=ROOT))
    logging.disable(logging.CRITICAL)
    scene = Scene(directory, notes=len(data) % 2 == 1)
    try:
        while cursor.more:
            _STEPS[cursor.byte() % len(_STEPS)](scene, cursor)
        scene.finish()
        assert {path.name for path in directory.iterdir()} <= {"runs"}
    finally:
        scene.close()
        logging.disable(logging.NOTSET)
        shutil.rmtree(directory)


def _raw(scene: Scene, cursor: Cursor) -> None:
    parts = [cursor.some() for _ in range(cursor.byte() % 4)]
    try:
        message = messages.decode(parts)
    except MessageError:
        pass
    else:
        if isinstance(message, messages.Hello):
            # Anywhere but there a fuzzer would write all over the machine.
            parts = list(map(bytes, messages.encode(message._replace(run=str(scene.runs)))))
    scene.hear(0, *parts)


def _hello(scene: Scene, cursor: Cursor) -> None:
    name = cursor.byte()
    oldest, newest = _VERSIONS[cursor.byte() % len(_VERSIONS)]
    place = cursor.byte()
    hello = hello_of(str(scene.runs), session=_name(name), oldest=oldest, newest=newest)
    hello = hello._replace(
        position=_position(scene, name, cursor),
        known=bool(place & 128),
        role=_ROLES[place % len(_ROLES)],
        suffix=_SUFFIXES[place // 16 % len(_SUFFIXES)],
    )
    try:
        parts = messages.encode(hello)
    except UnicodeEncodeError:
        return
    scene.hear(name >> 7, *parts)


def _batch(scene: Scene, cursor: Cursor) -> None:
    name = cursor.byte()
    position = _position(scene, name, cursor)
    shed = cursor.byte() << 54
    batch = messages.Batch(_name(name), position, shed, shed, pieces.frames(cursor))
    scene.hear(name >> 7, *messages.encode(batch))


def _bye(scene: Scene, cursor: Cursor) -> None:
    name = cursor.byte()
    bye = messages.Bye(_name(name), _position(scene, name, cursor), cursor.byte())
    scene.hear(name >> 7, *messages.encode(bye))


def _status(scene: Scene, _cursor: Cursor) -> None:
    before = len(scene.said)
    scene.hear(1, *messages.encode(messages.Status(messages.NO_SESSION)))
    assert isinstance(scene.said[before], messages.Report)


def _turn(scene: Scene, _cursor: Cursor) -> None:
    scene.turn()


def _wrong_way(scene: Scene, cursor: Cursor) -> None:
    scene.hear(0, *messages.encode(messages.Ack(_name(cursor.byte()), cursor.number() >> 2, 0)))


def _wait(scene: Scene, cursor: Cursor) -> None:
    scene.wait(cursor.byte() / 8)


_STEPS: list[Callable[[Scene, Cursor], None]] = [
    *(_raw, _hello, _batch, _bye, _status, _turn, _wrong_way, _wait)
]


def _name(number: int) -> bytes:
    return _SESSIONS[(number + 1) % len(_SESSIONS)]


def _position(scene: Scene, number: int, cursor: Cursor) -> int:
    """Return a position: the right one, one close to it, or any."""
    entry = scene.roster.find(_name(number))
    accepted = entry.session.accepted if entry is not None else 0
    choice = cursor.byte()
    if choice < 160:
        return accepted
    if choice < 192:
        return max(accepted - cursor.byte(), 0)
    if choice < 224:
        return accepted + cursor.byte()
    return cursor.number()
