"""What the files of a directory already hold of given sessions.

The newest file is looked at first; what it says of a session overrides all that older ones say.
"""

from __future__ import annotations

from collections.abc import Set

from tbxd.format import marks
from tbxd.format.progress import Progress

from .events import event_files
from .records import RecordFile
from .rounds import rounds, sections


def resume(directory: str, sessions: Set[bytes]) -> dict[bytes, Progress]:
    """Return the progress of each of ``sessions`` that the files of ``directory`` name.

    A file that somebody else keeps to himself is passed over: it is not one of ours.

    Raises:
        OSError: the directory or a file cannot be read.

    Guarantees:
        What is returned as written is on stable storage: its writer may have died before it
        synced, and an event that is dropped in a replay is acknowledged without being written.
    """
    wanted = {session.hex().encode() for session in sessions}
    progress: dict[bytes, Progress] = {}
    for path in reversed(event_files(directory)):
        if not wanted:
            break
        try:
            file = RecordFile(path)
        except (FileNotFoundError, PermissionError):
            continue
        with file:
            latest: dict[bytes, tuple[bytes, int | None]] = {}
            for found in rounds(file):
                for name in marks.names(found[0]):
                    if name in wanted:
                        latest[name] = found
            if latest:
                file.sync()
        for name, found in latest.items():
            session = bytes.fromhex(name.decode())
            for section, whole in sections(*found):
                if section.session == session:
                    progress[session] = Progress.of_section(section, whole)
                    wanted.discard(name)
    return progress
