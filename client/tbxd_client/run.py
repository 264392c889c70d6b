"""Where a run lies: from what a user calls it to the one absolute path that both sides use.

A name of the file system may be anything but one that UTF-8 cannot express. Links stay what they
are, so that a link that is turned to another directory later leads there; but a ``..`` behind a
link leads above the link's target, as it does for every other program that is given that name.
"""

from __future__ import annotations

import errno
import os
import re

from tbxd_wire import paths

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def absolute(logdir: str) -> str:
    """Return the absolute path that the system finds at ``logdir`` now.

    Raises:
        ValueError: a name that UTF-8 cannot express, or the URL of something else.
    """
    # The other two writers take some of them; here it would be a directory named "s3:".
    if _URL.match(logdir):
        raise ValueError(f"a run directory is a local path, not a URL such as {logdir!r:.80}")
    # Who names an absolute path may stand in a directory that is gone.
    path = logdir if os.path.isabs(logdir) else os.path.join(os.getcwd(), logdir)
    components = path.split("/")
    # As if there were one at the root, which leads nowhere else.
    behind = len(components) - components[::-1].index("..") if ".." in components else 1
    above = os.path.realpath("/".join(components[:behind]) or "/")
    run = os.path.normpath(os.path.join(above, *components[behind:]))
    # It travels as UTF-8: better an error here than every record refused later.
    run.encode()
    return run


def make(run: str, role: str) -> None:
    """Make the directory ``run`` with its parents, if it is not there.

    Args:
        run: as of :func:`absolute`.
        role: path of the author below it, as far as it is known.

    Raises:
        OSError: that is not possible; or the path is so long that no event file could be opened.
    """
    if not paths.has_room(os.fsencode(f"{run}/{role}" if role else run)):
        raise OSError(
            errno.ENAMETOOLONG,
            f"The path leaves no room for an event file's name (at most {paths.RUN_BYTES} bytes)",
            run,
        )
    # Asked first: a file system that is frozen holds up even who would make what is there.
    if os.path.isdir(run):
        return
    try:
        os.makedirs(run, exist_ok=True)
    except FileExistsError:
        what = "Is a link that leads nowhere" if os.path.islink(run) else "Is a file"
        raise FileExistsError(errno.EEXIST, f"{what}, no directory for a run", run) from None
