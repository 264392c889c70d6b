"""Links that change while the daemon writes through them, and what else may be in its way."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd.reading.events import event_files
from tbxd.sinks import directories, projector
from tbxd.sinks.bounds import Bounds
from tbxd.sinks.descriptors import Descriptors
from tbxd.sinks.event_file import EventFile
from tests.tbxd.sinks.test_event_file import buffer, content, expected
from tests.tbxd.sinks.test_projector import files_of, projection

_TIMES = 400


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "inner").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    """A place outside the root."""
    (tmp_path / "outer").mkdir()
    return tmp_path / "outer"


_FLIP = """
import ctypes, os, sys
here, beside = map(os.fsencode, sys.argv[1:])
in_this_directory, exchange = -100, 2
rename = ctypes.CDLL(None).renameat2
if rename(in_this_directory, here, in_this_directory, beside, exchange) == 0:
    print("flips", flush=True)
    while True:
        rename(in_this_directory, here, in_this_directory, beside, exchange)
"""


@contextlib.contextmanager
def flipping(here: Path, beside: Path) -> Iterator[None]:
    """Have a process exchange two names as fast as it can, so that neither is ever missing."""
    command = [sys.executable, "-c", _FLIP, str(here), str(beside)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"flips\n":
                pytest.skip("this file system cannot exchange two names")
            yield
        finally:
            process.kill()


@pytest.fixture(params=["link", "directory"])
def changing(request: pytest.FixtureRequest, root: Path, outer: Path) -> Path:
    """What lies in the root, and is exchanged for a link that leads out of it."""
    changing = root / "changing"
    if request.param == "link":
        changing.symlink_to("inner")
    else:
        changing.mkdir()
    (root / "beside").symlink_to(outer)
    return changing


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_event_files_on_a_way_that_changes_all_the_time(
    root: Path, outer: Path, changing: Path
) -> None:
    descriptors = Descriptors(4)
    bounds = Bounds(roots=(str(root),))
    before = open_descriptors()
    files = []
    with flipping(changing, root / "beside"):
        for number in range(_TIMES):
            run = changing / f"run{number}" / "deep"
            files.append(EventFile(str(run), descriptors, host="h", bounds=bounds))
            files[-1].append(buffer("a"))
    assert list(outer.rglob("*")) == []
    # Both what may be and what may not was met.
    assert 0 < sum(file.pending for file in files) < _TIMES
    if changing.resolve() == outer:
        changing.unlink()
        (root / "beside").rename(changing)
    for file in files:
        assert file.retry(), file.trouble
        data = [content(path) for path in event_files(file.directory)]
        assert data == [expected("a")]
        file.close()
    assert list(outer.rglob("*")) == []
    assert open_descriptors() == before


def test_embeddings_on_a_way_that_changes_all_the_time(
    root: Path, outer: Path, changing: Path
) -> None:
    bounds = Bounds(roots=(str(root),))
    before = open_descriptors()
    refused = 0
    with flipping(changing, root / "beside"):
        for number in range(_TIMES // 4):
            try:
                projector.write(str(changing / f"run{number}"), projection(3), bounds)
            except OSError:
                refused += 1
    assert list(outer.rglob("*")) == []
    assert 0 < refused < _TIMES // 4
    assert open_descriptors() == before


@pytest.mark.parametrize("place", ["link", "inner/link", "inner/link/deeper"])
def test_a_link_is_no_directory(root: Path, outer: Path, place: str) -> None:
    """What was resolved a moment ago has become one."""
    (root / place.removesuffix("/deeper")).symlink_to(outer)
    with pytest.raises(NotADirectoryError, match=place), directories.made(str(root / place)):
        pass
    with pytest.raises(NotADirectoryError), directories.opened(str(root / place)):
        pass
    # Whoever put it there has decided about what was there.
    with directories.opened(str(root)) as beside:
        directories.sync(str(root / place), beside)
    assert list(outer.rglob("*")) == []


def test_a_run_whose_link_leads_nowhere_yet(root: Path) -> None:
    """What it leads to is made, if it may be."""
    (root / "run").symlink_to(root / "inner" / "to" / "come")
    file = EventFile(str(root / "run"), Descriptors(), host="h", bounds=Bounds(roots=(str(root),)))
    file.append(buffer("a"))
    file.sync()
    assert content(event_files(str(root / "inner" / "to" / "come"))[0]) == expected("a")
    file.close()


def test_a_path_that_leads_to_no_directory_for_others(tmp_path: Path) -> None:
    """It has a component that is not there, and leads back from it: nothing is left behind."""
    file = EventFile(f"{tmp_path}/absent/../run", Descriptors(), host="h")
    file.append(buffer("a"))
    assert "it leads elsewhere than to" in (file.trouble or "")
    assert files_of(tmp_path) == {}
    (tmp_path / "absent").mkdir()
    assert file.retry()
    assert content(event_files(str(tmp_path / "run"))[0]) == expected("a")
    file.close()


def test_a_configuration_that_is_a_link_to_a_place_outside(root: Path, outer: Path) -> None:
    """What is there is none of those who may read the run directory."""
    (outer / "secret").write_text("secret")
    check_refused(root, outer / "secret")


def test_a_configuration_that_is_a_link_to_another_run(root: Path) -> None:
    """The daemon may read what others beneath the same root may not."""
    (root / "other").mkdir()
    (root / "other" / "secret").write_text("secret")
    (root / "other" / "secret").chmod(0o600)
    check_refused(root, root / "other" / "secret")


def check_refused(root: Path, secret: Path) -> None:
    """Check that an embedding is refused where the configuration is a link to a file."""
    link = root / "inner" / "projector_config.pbtxt"
    link.symlink_to(secret)
    with pytest.raises(FileExistsError, match="pbtxt is not a regular file") as caught:
        projector.write(str(root / "inner"), projection(3), Bounds(roots=(str(root),)))
    assert caught.value.filename == str(root / "inner")
    assert [each for each in (root / "inner").rglob("*") if not each.is_dir()] == [link]
    assert link.is_symlink()
    assert secret.read_text() == "secret"


def test_a_configuration_that_is_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "projector_config.pbtxt")
    with pytest.raises(FileExistsError, match="pbtxt is not a regular file"):
        projector.write(str(tmp_path), projection(3))
    assert (tmp_path / "projector_config.pbtxt").is_fifo()


@pytest.mark.parametrize("name", [".projector_config.pbtxt.new", "00001/tag/tensors.bytes"])
def test_a_pipe_in_the_way_of_an_embedding_holds_nobody(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(tmp_path / name)
    projector.write(str(tmp_path), projection(3))
    assert (tmp_path / "00001/tag/tensors.bytes").read_bytes() == projection(3).files[
        "tensors.bytes"
    ]
    assert not (tmp_path / ".projector_config.pbtxt.new").exists()


def test_a_pipe_in_the_place_of_an_event_file_holds_nobody(tmp_path: Path) -> None:
    file = EventFile(str(tmp_path), Descriptors(), host="h")
    file.append(buffer("a"))
    file.close()
    assert file.path is not None
    old = Path(file.path)
    old.unlink()
    os.mkfifo(old)
    file.sync()
    file.append(buffer("b"))
    assert content(file.path) == expected("b")
    assert old.is_fifo()
    file.close()
