"""What a directory's older files already hold of one session, and which replayed events to drop.

When a daemon takes a session over from one that died, the client (or its journal) replays the
stream from some acknowledged position, cut into other batches than the first time. A directory
gets only some events of a stream, and its last round may have been torn anywhere. The question
for each replayed event is: does an older file hold it?

**The invariant everything rests on: a frame yields at most one event per directory.** So the
start of an event's frame names the event within the directory, and "written up to here" is a
position. (The encoders keep it: a group's sub-runs are pairwise different directories.)

**The statement.** What is known at any time has one form: every event of a frame that starts
before ``position`` is written, and so are the first ``ahead`` events of the frames in [position,
horizon); nothing else is. A whole section states (END, 0). A torn one of which F events are whole
states (BEGIN, F): how many events is known, which positions they have is not, because the mark was
written in front of them and lists no positions; the replay will show them.

**During a replay** each event is looked up in stream order. When one of the ``ahead`` is met, its
position becomes known, and the statement moves behind it: (its start + 1, ahead - 1). The first
event that is not written ends the matter: all later ones are new.

**Why a replay can always be counted.** Counting is right only if it begins at or before
``position``. It does: an ack is sent for the end of a batch after all of the batch is written, so
no ack ever passes the beginning of a torn round, and a journal releases nothing that is not
acknowledged. But the *replay itself* consists of batches which are acknowledged too, and a daemon
that then dies leaves behind the old, torn statement and a client that can replay only from a later
position. Therefore whoever counts down ``ahead`` must write the new statement into a file before
that batch is acknowledged:

- if the batch also brought new events, their section does it: it begins at ``position``, the
  count has run out, and once it is whole everything before its end is written;
- if not, a section of no events that states (position, ahead) again (:meth:`restated`);
- if the batch met none of the ``ahead`` events, nothing changed, and the old statement still
  counts from the same event, wherever the next replay begins. A batch that ends before
  ``position`` must *not* be stated: that would claim less than is known.

**What is taken back.** A daemon that lives on may cut a round off the end of a file, and write all
of it again into a later one: a file that has become too large (tbxd.sinks.event_file). Wherever it
dies on the way, there is one statement. As long as the round's beginning is in the old file, that
is a torn round as any other, and there is no later file. Once it is cut off, also on stable
storage, the statements that were there before it count again: they still do, as nothing of the
round was acknowledged. The later file then states the round anew, torn or whole.

``horizon`` guards what no bookkeeping can mend: after a power cut a file may have lost events that
were acknowledged, and the replay begins behind a torn section. Then nothing of it is dropped.
"""

from __future__ import annotations

from .marks import Section


class Progress:
    """The statement about one session and one directory, moved on by the replay.

    Guarantees:
        ``written`` answers as the module's head says if it is called once for each event of this
        directory, in stream order, from any acknowledged position on.
    """

    __slots__ = ("_restate", "ahead", "horizon", "position")

    def __init__(self, position: int, ahead: int = 0, horizon: int = 0) -> None:
        self.position = position
        """Every event of a frame that starts before it is written."""
        self.ahead = ahead
        """So many more are written, the first ones in [position, horizon)."""
        self.horizon = horizon
        self._restate = False

    @classmethod
    def of_section(cls, section: Section, found: int) -> Progress:
        """Return what ``section`` states when ``found`` of its events are whole."""
        if found < section.events:
            return cls(section.begin, found, section.end)
        if section.events:
            return cls(section.end)
        return cls(section.begin, section.earlier, section.end)

    def written(self, start: int) -> bool:
        """Return whether an older file holds the event of the frame that starts at ``start``."""
        if start < self.position:
            return True
        if self.ahead and start < self.horizon:
            self.ahead -= 1
            self.position = start + 1
            self._restate = True
            return True
        return False

    def restated(self, session: bytes) -> Section | None:
        """Return the section that a batch without new events must leave behind, if any.

        To be called at the batch's end; asking again before the next written event gives None.
        """
        if not self._restate:
            return None
        self._restate = False
        return Section(session, self.position, self.horizon, 0, self.ahead)
