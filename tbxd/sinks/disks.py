"""The disks that a daemon writes to: which a path belongs to, and all of them together.

Paths that go along the same file systems (tbxd.sinks.way) share a disk, which is to say its
threads. So whichever file system does not answer holds up the paths that go along it, and no
others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection

from tbxd.config import Config

from .descriptors import DESCRIPTORS, Descriptors
from .disk import Disk
from .lane import Blocked
from .mounted import Mounted
from .patience import PATIENCE_S, Patience
from .way import Way, first_link, follow

_DISKS = 64
"""Disks that have threads of their own; the paths of all beyond share those of one more."""

_IDLE_DISKS = 16
"""Disks kept although no run directory is on them: paths lead along them, or one may be again."""

_QUESTIONS = 4096
"""Of paths that nobody has asked for again since a file system was too slow."""

_LOOKS = 3
"""How often a path is followed while what is mounted changes, perhaps because it is followed."""


class Question:
    """What a file system was asked about a path, and has not answered in time.

    Attributes:
        disk: who does the asking.
    """

    def __init__(self, disk: Disk, piece: list[str]) -> None:
        self.disk = disk
        self._answer = disk.writing.begin(first_link, piece)

    def wait(self) -> tuple[int, str] | None:
        """Return the answer.

        Raises:
            Blocked: there is none yet. The loop is woken once there is.
            OSError: that is the answer.
        """
        return self.disk.writing.wait(self._answer)

    def is_silent(self, session: bytes) -> bool:
        """Whether there is no answer yet, whichever session waits for it."""
        return not self._answer.done()

    def drop(self) -> None:
        """Have it not asked any more, if it has not begun."""
        self._answer.cancel()


class Unplaced(Blocked):
    """Where a path leads is not known yet.

    Attributes:
        question: what is not answered.
    """

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question


class Disks:
    """The disks that a daemon writes to.

    Args:
        config: when to sync.
        wake: called from another thread when :meth:`work` has something to find.
        open_files: most event files that are open at once, on all of them together.
        patience_s: how long to wait for an answer. All that wait before :meth:`work` comes to its
            end share what there is of it.
    """

    def __init__(
        self,
        config: Config,
        wake: Callable[[], None],
        open_files: int = DESCRIPTORS,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._open_files = open_files
        self._config = config
        self._wake = wake
        self._patience = Patience(patience_s)
        # The one used last at the end; that of None has what is too much for the others.
        self._by_way: OrderedDict[Way | None, Disk] = OrderedDict()
        self._questions: OrderedDict[tuple[Way, str], Question] = OrderedDict()
        self._mounted = Mounted()

    @property
    def stuck(self) -> bool:
        """Whether the last write of any file has failed, or a file system does not answer."""
        return any(disk.stuck for disk in self._by_way.values())

    @property
    def settled(self) -> bool:
        """Whether every file is written and, if the policy says so at all, synced."""
        return all(disk.settled for disk in self._by_way.values())

    @property
    def deadline(self) -> float | None:
        """When :meth:`work` has something to do, on the monotonic clock; None: not by itself."""
        due = (disk.deadline for disk in self._by_way.values())
        return min((each for each in due if each is not None), default=None)

    def of(self, path: str) -> Disk:
        """Return the disk of a directory, which need not exist, as things are now.

        Raises:
            Unplaced: a file system on the way has not said yet where the path leads. It may be
                asked again: the loop is woken when there is an answer.
            OSError: that cannot be found out now.
        """
        for _ in range(_LOOKS):
            tree = self._mounted.look()
            way = follow(path, tree, self._first_link)
            if self._mounted.look() is tree:
                break
        return self._at(way)

    def work(self, now: float, *, at_once: bool = False) -> None:
        """Write what waits, try again what is due, sync what is due; with ``at_once`` all of it."""
        for disk in self._by_way.values():
            disk.begin(now)
        for disk in self._by_way.values():
            disk.finish(now, at_once=at_once)
        self._patience.renew()

    def let_go(self, used: Collection[Disk]) -> None:
        """End the threads of disks that nobody needs: what was unmounted, and what is too much.

        Args:
            used: those on which there is a run directory that is used. One that is not, and comes
                to be used again, has to be asked for anew.
        """
        idle = [way for way, disk in self._by_way.items() if disk.settled and disk not in used]
        if not idle:
            return
        mounted = self._mounted.look().devices
        gone = [way for way in idle if way is not None and not way <= mounted]
        # A thread that is left in a call has cost nothing more than it did; a new one would.
        spare = [way for way in idle if way not in gone and self._by_way[way].trouble is None]
        surplus = spare[: max(len(spare) - _IDLE_DISKS, 0)]
        for way in {*gone, *surplus, *({None} & {*spare})}:
            self._by_way.pop(way).close(0.0)

    def close(self) -> bool:
        """End all threads; return whether nothing will be written any more."""
        ended = [disk.close() for disk in self._by_way.values()]
        return all(ended)

    def _open(self) -> int:
        """Return how many event files are open; from any thread."""
        return sum(disk.descriptors.count for disk in list(self._by_way.values()))

    def _first_link(self, way: Way, piece: list[str]) -> tuple[int, str] | None:
        key = way, "/".join(piece)
        question = self._questions.pop(key, None) or Question(self._at(way), piece)
        try:
            return question.wait()
        except Blocked:
            # Who asks again gets this answer, however slow the file system is.
            self._questions[key] = question
            if len(self._questions) > _QUESTIONS:
                self._questions.popitem(last=False)[1].drop()
            raise Unplaced(question) from None

    def _at(self, way: Way) -> Disk:
        """Return the disk of the paths that go along these file systems."""
        # The root's is never shared: nobody gets anywhere without it.
        has_own = way in self._by_way or len(self._by_way) < _DISKS or len(way) == 1
        key = way if has_own else None
        if key not in self._by_way:
            descriptors = Descriptors(self._open_files, self._open)
            self._by_way[key] = Disk(self._config, self._wake, self._patience, descriptors)
        self._by_way.move_to_end(key)
        return self._by_way[key]
