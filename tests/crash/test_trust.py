"""Another user of the machine: whatever it tries, it neither reads nor writes nor is served."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tbxd.ask import ask
from tbxd_client import SummaryWriter
from tbxd_wire import places
from tbxd_wire.errors import DirectoryError

from .field import Daemon

_NOBODY = 65534
_REFUSED, _CAME_IN = 0, 1


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A daemon whose runtime directory everybody can find: nothing above it is closed."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    above = Path(tempfile.mkdtemp(prefix="tbxd-trust-"))
    above.chmod(0o755)
    directory = above / "rt"
    directory.mkdir(mode=0o700)
    monkeypatch.setenv(places.DIRECTORY_VARIABLE, str(directory))
    daemon = Daemon(directory)
    daemon.start()
    yield daemon
    daemon.stop()
    shutil.rmtree(above)


def as_nobody(attempt: Callable[[], object], refusal: type[Exception]) -> int:
    """Run ``attempt`` as another user; return _REFUSED if it fails with ``refusal``."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
            try:
                attempt()
            except refusal:
                code = _REFUSED
            else:
                code = _CAME_IN
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def connect(path: Path) -> None:
    """Connect to a socket."""
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(str(path))


def test_another_user_is_kept_out(shared: Daemon, tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path / "run")
    writer.add_scalar("loss", 1.0, 0)
    writer.flush()
    # The journal stays there while nobody takes it.
    shared.signal(signal.SIGSTOP)
    writer.add_scalar("loss", 2.0, 1)
    try:
        where = shared.directory
        (journal, *_) = shared.journals()
        assert as_nobody(lambda: os.listdir(where), PermissionError) == _REFUSED
        assert as_nobody(lambda: (where / journal).read_bytes(), PermissionError) == _REFUSED
        assert as_nobody(lambda: (where / "mine").write_bytes(b""), PermissionError) == _REFUSED
        assert as_nobody(lambda: connect(where / places.SOCKET), PermissionError) == _REFUSED
        assert as_nobody(lambda: (where / "x").symlink_to("/"), PermissionError) == _REFUSED
        assert as_nobody(lambda: (where / places.SOCKET).unlink(), PermissionError) == _REFUSED
        # Nor does anybody put another one in its place.
        assert as_nobody(lambda: where.rename(f"{where}.old"), PermissionError) == _REFUSED
    finally:
        shared.signal(signal.SIGCONT)
    assert as_nobody(lambda: ask(str(where), 1.0), DirectoryError) == _REFUSED
    assert as_nobody(lambda: SummaryWriter("/tmp"), DirectoryError) == _REFUSED
    writer.close()


def test_also_if_the_directory_is_opened_by_mistake(shared: Daemon, tmp_path: Path) -> None:
    """The files in it are closed to others, too; and from now on nobody uses it."""
    writer = SummaryWriter(tmp_path / "run")
    writer.add_scalar("loss", 1.0, 0)
    writer.flush()
    shared.directory.chmod(0o755)
    where = shared.directory
    (journal, *_) = shared.journals()
    assert as_nobody(lambda: (where / journal).read_bytes(), PermissionError) == _REFUSED
    assert (
        as_nobody(lambda: (where / places.DAEMON_LOCK).write_bytes(b""), PermissionError)
        == _REFUSED
    )
    assert as_nobody(lambda: connect(where / places.SOCKET), PermissionError) == _REFUSED
    with pytest.raises(DirectoryError, match="closed to others"):
        places.make_private(str(where), os.getuid())
    shared.directory.chmod(0o700)
    writer.close()


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A directory for temporary files, as /tmp is one."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    where = Path(tempfile.mkdtemp(prefix="tbxd-trust-"))
    where.chmod(0o1777)
    yield where
    shutil.rmtree(where)


def plant_directory(place: Path) -> None:
    """Make a directory that everybody may use, with all that a client looks for."""
    os.umask(0)
    place.mkdir()
    (place / places.DAEMON_LOCK).touch()
    (place / places.DAEMON_LOG).symlink_to(place.parent / "victim")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(place / places.SOCKET))


def plant_link(place: Path) -> None:
    """Make a link to a directory that belongs to whoever is to fall for it."""
    place.symlink_to(place.parent / "private")


def plant_link_to_nowhere(place: Path) -> None:
    """Make a link to where a directory would be made."""
    place.symlink_to(place.parent / "nowhere")


def plant_file(place: Path) -> None:
    """Make a file."""
    place.touch()


_PLANTED: dict[Callable[[Path], None], str] = {
    plant_directory: f"belongs to user {_NOBODY}, not to 0",
    plant_link: "is not a directory",
    plant_link_to_nowhere: "is not a directory",
    plant_file: "is not a directory",
}

_WRITE = """
import sys
from tbxd_client import SummaryWriter
from tbxd_wire.errors import DirectoryError
try:
    SummaryWriter(sys.argv[1])
except DirectoryError as error:
    sys.exit(f"tbxd: {error}")
"""


@pytest.mark.parametrize("plant", _PLANTED, ids=lambda plant: plant.__name__)
def test_a_directory_that_another_user_made_first_is_used_by_nobody(
    everybodys: Path, tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    (everybodys / "private").mkdir(mode=0o700)
    place = everybodys / f"tbxd-{os.getuid()}"
    assert as_nobody(lambda: plant(place), PermissionError) == _CAME_IN
    private = (places.DIRECTORY_VARIABLE, "XDG_RUNTIME_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in private}
    environment["TMPDIR"] = str(everybodys)
    before = sorted(everybodys.rglob("*"))
    for command in (
        ["-c", _WRITE, str(tmp_path / "run")],
        ["-m", "tbxd", "serve"],
        ["-m", "tbxd", "status"],
        ["-m", "tbxd", "exec", "--", "true"],
    ):
        ended = subprocess.run(
            [sys.executable, *command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert ended.returncode == 1, command
        assert ended.stderr == f"tbxd: {place}: {_PLANTED[plant]}\n", command
    assert sorted(everybodys.rglob("*")) == before
