"""The daemon's shell: the socket, the clock and the signals.

Everything that is decided is decided elsewhere: how many may come in door, who may send what in
intake, what is answered in conversation, what becomes of a record in pipeline, what the dead left
in recover. Here are the three stages of a daemon's life, and one turn of its loop.

Guarantees:
    The loop sleeps until there is something to do, and drains no peer for long: one round takes
    about ROUND_BYTES, is committed and acknowledged, and then everybody else has a turn.
    An ack leaves only after the events it speaks of are in their files.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import math
import os
import resource
import sys
import time
from collections.abc import Callable

import zmq

from tbxd_wire import messages, mounts, places
from tbxd_wire.limits import MIB

from . import lock, signals
from .config import Config
from .conversation import Conversation
from .counted import counted
from .door import Door
from .intake.roster import Roster
from .notify import Notifier
from .pipeline import Pipeline
from .recover import Recovery
from .shares import Shares
from .wake import Wake

ROUND_BYTES = 1 * MIB
"""Payload taken in before it is committed: about 20,000 scalars, 30 ms of work."""

_FAREWELL_MS = 500
"""How long the last acks may take to leave."""

_MESSAGE_COST_BYTES = 256
"""What a message counts for beside its bytes, so that a round of tiny ones ends too."""

_TICK_S = 1.0
_IDLE_TICK_S = 5.0
"""How often to look around, with and without sessions at work. What is looked for without any are
journals of processes that could not reach the socket."""

_SWITCH_INTERVAL_S = 0.0005
"""How long a thread that encodes in Python may keep the loop waiting (the interpreter's default is
ten times that). Each message that is taken in may meet such a wait."""

_log = logging.getLogger(__name__)


class Server:
    """One daemon in one runtime directory.

    Args:
        config: how it runs.
        notifier: the way to the service manager.
        serves: called once the socket is bound.
    """

    def __init__(
        self, config: Config, notifier: Notifier, serves: Callable[[], None] | None = None
    ) -> None:
        self._config = config
        self._notifier = notifier
        self._serves = serves
        self._wake = Wake()
        self._roster = Roster(config.memory_limit_bytes)
        shares = Shares(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        self._door = Door(config.directory, shares.connections)
        self._pipeline = Pipeline(config, self._wake.up, shares.event_files)
        self._recovery = Recovery(config.directory, self._roster, self._pipeline, shares.journals)
        self._stopping = ""
        """Why it is on its way out, if it is."""
        self._more = False
        self._now = time.monotonic()
        self._conversation = Conversation(
            config.directory,
            self._roster,
            self._pipeline,
            self._recovery,
            self._send,
            self._door.facts,
            self._now,
        )
        self._idle_since = self._next_tick = self._next_watchdog = self._now
        self._said = ""

    def run(self) -> None:
        """Serve until told to stop, or until idle for long enough.

        Raises:
            DirectoryError: the runtime directory cannot be made or trusted.
            DaemonHeld: another daemon serves it.
        """
        with contextlib.ExitStack() as stack, signals.captured(self.stop, self._wake.bell):
            self._startup(stack)
            self._main_loop()
            self._shutdown()

    def stop(self) -> None:
        """Have :meth:`run` drain and return. May be called from a signal handler."""
        self._stopping = "told to stop"
        self._wake.up()

    # -- the three stages

    def _startup(self, stack: contextlib.ExitStack) -> None:
        """Take the directory, bind the socket, look at what was left, and say that all is ready."""
        directory = self._config.directory
        stack.callback(self._wake.close)
        places.make_private(directory, os.getuid())
        mounts.refuse_network(directory)
        self._lock = lock.acquire(directory)
        stack.callback(self._give_its_place_up)
        self._lock_file = lock.identity(os.path.join(directory, places.DAEMON_LOCK))
        directory_fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, directory_fd)
        stack.callback(self._notifier.close)
        stack.callback(self._pipeline.close)
        stack.callback(self._recovery.close)
        self._door.open(stack, directory_fd)
        self._socket = self._door.socket
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._door.events, zmq.POLLIN)
        self._poller.register(self._wake.descriptor, zmq.POLLIN)
        self._recovery.tidy(time.time())
        self._recovery.scan(self._now)
        # What is alive now stays alive: no collection need ever look at it again.
        gc.collect()
        gc.freeze()
        stack.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        _log.info("serving %s as pid %d", directory, os.getpid())
        self._notifier.ready()
        if self._serves is not None:
            self._serves()

    def _main_loop(self) -> None:
        while not self._stopping and not self._left_idle():
            self._wait()
            self._receive()
            self._pipeline.commit(self._now)
            # Behind the commit: what that has settled lets recovery go on, and nothing else wakes.
            self._more |= self._recovery.step(self._now)
            self._conversation.answer(self._roster.window)
            self._tick()

    def _shutdown(self) -> None:
        """Commit what was accepted, acknowledge it, and leave; the rest stays in the journals."""
        self._notifier.stopping()
        lock.say_leaving(self._lock)
        _log.info("leaving: %s", self._stopping or "nobody has logged for long")
        deadline = time.monotonic() + self._config.drain_timeout_s
        # Who died a moment ago: no other daemon will find a journal of it.
        self._pipeline.tidy(self._roster)
        self._pipeline.commit(time.monotonic(), at_once=True)
        while not self._pipeline.drained and (now := time.monotonic()) < deadline:
            due = self._pipeline.deadline
            self._wake.wait((deadline if due is None else min(due, deadline)) - now)
            self._pipeline.commit(time.monotonic(), at_once=True)
        # No window: a client that hears this sends nothing more to this daemon.
        self._conversation.answer(0)
        if not self._pipeline.drained:
            _log.warning("not everything accepted is committed; it stays in the journals")
        _log.info("no longer serving %s", self._config.directory)
        self._socket.setsockopt(zmq.LINGER, _FAREWELL_MS)

    def _give_its_place_up(self) -> None:
        """Let go of the lock, unless a write is still on its way to a disk that does not answer.

        It may arrive at any time, and before that nobody else may write the same. The lock then
        ends with the process, and a process does not before its last call into the kernel has.
        """
        if self._pipeline.is_at_rest:
            os.close(self._lock)

    # -- one turn of the loop

    def _wait(self) -> None:
        """Sleep until a message comes, a helper has finished, or something is due."""
        timeout_ms = 0
        if not self._more:
            due = [self._next_tick]
            if self._pipeline.deadline is not None:
                due.append(self._pipeline.deadline)
            if self._notifier.watchdog_interval_s is not None:
                due.append(self._next_watchdog)
            if self._config.idle_exit_s is not None:
                due.append(self._idle_since + self._config.idle_exit_s)
            # Rounded up: woken a moment too early, the loop would turn for nothing.
            timeout_ms = max(math.ceil((min(due) - time.monotonic()) * 1000), 0)
        ready = dict(self._poller.poll(timeout_ms))
        if self._wake.descriptor in ready:
            self._wake.clear()
        self._now = time.monotonic()
        if self._door.events in ready:
            self._door.attend(self._now, busy=self._more)

    def _receive(self) -> None:
        """Take messages in, about ROUND_BYTES of them."""
        taken = 0
        while taken < ROUND_BYTES:
            try:
                # Not copied: a megabyte that is copied for each batch is fresh memory every time.
                parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                self._more = False
                return
            taken += _MESSAGE_COST_BYTES + sum(map(len, parts))
            content = [part.buffer for part in parts[1:]]
            self._conversation.take(parts[0].bytes, content, self._now)
        self._more = True

    def _send(self, peer: bytes, message: messages.Message) -> bool:
        """Send to a peer if it is there; return False if it must be tried again."""
        try:
            self._socket.send_multipart([peer, *messages.encode(message)], zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != errno.EHOSTUNREACH:
                raise
        return True

    def _tick(self) -> None:
        """What is done about once per second while there is work, and rarely otherwise."""
        now = self._now
        interval_s = self._notifier.watchdog_interval_s
        if interval_s is not None and now >= self._next_watchdog:
            self._next_watchdog = now + interval_s
            self._notifier.alive()
        if now < self._next_tick:
            return
        if not self._holds_its_place():
            # Nobody finds the way here any more, and another daemon may serve in its stead.
            _log.warning("the lock or the socket in %s is gone", self._config.directory)
            self._stopping = "nobody finds the way here"
        self._door.attend(now, busy=self._more)
        self._recovery.scan(now)
        self._recovery.tidy(time.time())
        for entry in self._roster:
            entry.sample(now)
        # In this order: the roster forgets sessions that the pipeline has let go of.
        self._pipeline.tidy(self._roster)
        self._roster.tidy()
        self._roster.shrink()
        working = self._roster.working
        self._next_tick = now + (_TICK_S if self._busy() else _IDLE_TICK_S)
        said = counted(working, "session at work", "sessions at work")
        if self._door.full:
            said += ", as many connections as there can be"
        if said != self._said:
            self._said = said
            self._notifier.status(said)

    def _holds_its_place(self) -> bool:
        """Return whether lock and socket are still where others look for them."""
        path = os.path.join(self._config.directory, places.DAEMON_LOCK)
        same = self._lock_file is not None and lock.identity(path) == self._lock_file
        return same and self._door.holds_its_place()

    def _left_idle(self) -> bool:
        """Return whether there has been nothing to do for as long as the daemon waits for it."""
        if self._busy():
            self._idle_since = self._now
            return False
        if (
            self._config.idle_exit_s is None
            or self._now - self._idle_since < self._config.idle_exit_s
        ):
            return False
        # Somebody may have logged without ever reaching the socket.
        self._recovery.scan(self._now)
        if self._busy():
            self._idle_since = self._now
            return False
        return True

    def _busy(self) -> bool:
        return self._roster.busy or self._recovery.busy or not self._pipeline.drained
