"""Files of embeddings: replaced whole, named truly, whatever interrupts and whoever else writes."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from torch.utils.tensorboard import SummaryWriter as TorchWriter

from tbxd.format.projection import Projection
from tbxd.format.projector_config import CONFIG_BYTES
from tbxd.sinks import projector
from tbxd.sinks.bounds import Bounds
from tests.waiting import wait_until


def projection(points: int, tag: str = "tag", *, labels: bool = True) -> Projection:
    """Return an embedding all of whose files say how many points it has."""
    files = {"tensors.bytes": np.full((points, 2), points, "<f4").tobytes()}
    if labels:
        files["metadata.tsv"] = f"{points}\n".encode() * points
    return Projection(tag, 1, (points, 2), files, None)


def config_of(directory: Path) -> ProjectorConfig:
    path = directory / "projector_config.pbtxt"
    return text_format.Parse(path.read_text() if path.exists() else "", ProjectorConfig())


def files_of(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def check(directory: Path, allowed: set[int]) -> set[str]:
    """Check that every file is a whole one and the configuration true; return what it names."""
    for path, content in files_of(directory).items():
        name = os.path.basename(path)
        if name in ("tensors.bytes", "metadata.tsv"):
            assert content in [projection(points).files[name] for points in allowed]
    for block in config_of(directory).embeddings:
        points, dimensions = block.tensor_shape
        size = (directory / block.tensor_path).stat().st_size
        assert size == points * dimensions * 4
        assert (directory / block.metadata_path).exists()
    return {block.tensor_name for block in config_of(directory).embeddings}


def test_the_files_of_several_embeddings(tmp_path: Path) -> None:
    run = tmp_path / "new" / "run"
    projector.write(str(run), projection(3))
    projector.write(str(run), projection(4, "other/tag", labels=False))
    found = files_of(run)
    assert {path: found[path] for path in found if path != "projector_config.pbtxt"} == {
        "00001/tag/tensors.bytes": np.full(6, 3, "<f4").tobytes(),
        "00001/tag/metadata.tsv": b"3\n3\n3\n",
        "00001/other%2ftag/tensors.bytes": np.full(8, 4, "<f4").tobytes(),
    }
    blocks = config_of(run).embeddings
    assert [(each.tensor_name, list(each.tensor_shape)) for each in blocks] == [
        ("tag:00001", [3, 2]),
        ("other/tag:00001", [4, 2]),
    ]


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    for each in (projection(3), projection(4, "other")):
        projector.write(str(tmp_path), each)
    before = files_of(tmp_path)
    projector.write(str(tmp_path), projection(3))
    assert files_of(tmp_path) == before


def test_an_embedding_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    for each in (projection(3), projection(4, "other"), projection(5)):
        projector.write(str(tmp_path), each)
    blocks = config_of(tmp_path).embeddings
    assert [(each.tensor_name, each.tensor_shape[0]) for each in blocks] == [
        ("other:00001", 4),
        ("tag:00001", 5),
    ]
    assert check(tmp_path, {4, 5}) == {"tag:00001", "other:00001"}


def test_what_is_to_stay_free_stays(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="keep-free"):
        projector.write(str(tmp_path), projection(3), Bounds(1 << 60))
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_blocks_of_torchs_writer_stay(tmp_path: Path) -> None:
    matrix = np.ones((2, 2), np.float32)
    with TorchWriter(str(tmp_path)) as writer:
        writer.add_embedding(matrix, ["a", "b"], tag="theirs")
    before = (tmp_path / "projector_config.pbtxt").read_text()
    for points in (3, 4):
        projector.write(str(tmp_path), projection(points))
    assert (tmp_path / "projector_config.pbtxt").read_text().startswith(before)
    names = [each.tensor_name for each in config_of(tmp_path).embeddings]
    assert names == ["theirs:00000", "tag:00001"]


@pytest.mark.parametrize("rest", [b'embeddings {\n  tensor_name: "to', b"\xff"])
def test_a_damaged_configuration_is_kept_beside_the_new_one(tmp_path: Path, rest: bytes) -> None:
    good = b'embeddings { tensor_name: "good" future: 1 }\n'
    (tmp_path / "projector_config.pbtxt").write_bytes(good + rest)
    projector.write(str(tmp_path), projection(3))
    assert (tmp_path / projector.DAMAGED).read_bytes() == good + rest
    text = (tmp_path / "projector_config.pbtxt").read_bytes()
    assert text.startswith(good)
    assert b"tag:00001" in text
    text_format.Parse(text, ProjectorConfig(), allow_unknown_field=True)


def test_who_may_not_read_a_damaged_configuration_may_not_read_it_afterwards(
    tmp_path: Path,
) -> None:
    """It is the very file."""
    damaged = tmp_path / "projector_config.pbtxt"
    damaged.write_bytes(b"embeddings {")
    damaged.chmod(0o600)
    before = damaged.stat()
    projector.write(str(tmp_path), projection(3))
    after = (tmp_path / projector.DAMAGED).stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


def test_what_is_too_large_for_a_configuration_is_none(tmp_path: Path) -> None:
    """It is neither read whole, nor kept, nor in the way of anything but embeddings."""
    path = tmp_path / "projector_config.pbtxt"
    path.touch()
    os.truncate(path, 2 * CONFIG_BYTES)
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match="pbtxt has more than 4,194,304 bytes") as caught:
            projector.write(str(tmp_path), projection(3))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(tmp_path))
    assert peak < 4 * CONFIG_BYTES
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]


def test_the_largest_configuration_is_one(tmp_path: Path) -> None:
    text = b"# a comment\n".ljust(CONFIG_BYTES, b" ")
    (tmp_path / "projector_config.pbtxt").write_bytes(text)
    projector.write(str(tmp_path), projection(3))
    assert check(tmp_path, {3}) == {"tag:00001"}


def test_a_damaged_configuration_that_has_the_embedding(tmp_path: Path) -> None:
    projector.write(str(tmp_path), projection(3))
    with open(tmp_path / "projector_config.pbtxt", "a") as file:
        file.write("embeddings {")
    projector.write(str(tmp_path), projection(3))
    assert check(tmp_path, {3}) == {"tag:00001"}


def test_many_threads_in_one_directory(tmp_path: Path) -> None:
    tags = [f"tag{number}" for number in range(8)]

    def is_written(each: Projection) -> bool:
        with contextlib.suppress(OSError):
            projector.write(str(tmp_path), each)
            return True
        return False

    def write(tag: str) -> None:
        for points in (1, 2, 3):
            wait_until(partial(is_written, projection(points, tag)), "it is written")

    threads = [threading.Thread(target=write, args=(tag,)) for tag in tags]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert check(tmp_path, {3}) == {f"{tag}:00001" for tag in tags}


class Killed(BaseException):
    """Stands for the end of the process: nobody tidies up behind it."""


def write_until(number: int, error: BaseException, directory: Path) -> bool:
    """Replace the embedding; return False if the process made fewer calls to the system.

    Raises:
        error: instead of the call of that number, counted from 1.
    """
    made = 0

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal made
            made += 1
            if made == number:
                raise error
            return real(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "write", "fsync", "rename", "unlink", "mkdir"):
            patch.setattr(os, name, failing(getattr(os, name)))
        projector.write(str(directory), projection(5))
    return made >= number


@pytest.mark.parametrize("first", [None, 3, 5])
def test_a_kill_at_any_instant_leaves_whole_files_and_a_true_configuration(
    tmp_path: Path, first: int | None
) -> None:
    for number in itertools.count(1):
        directory = tmp_path / str(number)
        projector.write(str(directory), projection(4, "other"))
        if first is not None:
            projector.write(str(directory), projection(first))
        killed = True
        with contextlib.suppress(Killed):
            killed = write_until(number, Killed(), directory)
        assert "other:00001" in check(directory, {4, 5, first or 5})
        projector.write(str(directory), projection(5))
        assert check(directory, {4, 5}) == {"other:00001", "tag:00001"}
        assert not any(".new" in path for path in files_of(directory))
        if not killed:
            break
    assert number > 9


def test_a_damaged_configuration_loses_nothing_by_what_a_disk_does(tmp_path: Path) -> None:
    good, rest = b'embeddings { tensor_name: "good" }\n', b"embeddings {"
    for number in itertools.count(1):
        directory = tmp_path / str(number)
        directory.mkdir()
        (directory / "projector_config.pbtxt").write_bytes(good + rest)
        failed = True
        with contextlib.suppress(OSError):
            failed = write_until(number, OSError(errno.EIO, os.strerror(errno.EIO)), directory)
        projector.write(str(directory), projection(5))
        names = {block.tensor_name for block in config_of(directory).embeddings}
        assert names == {"good", "tag:00001"}
        assert (directory / projector.DAMAGED).read_bytes() == good + rest
        if not failed:
            break
    assert number > 10


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_what_a_disk_does_is_raised_and_leaves_nothing_behind(tmp_path: Path, code: int) -> None:
    raised = []
    for number in itertools.count(1):
        directory = tmp_path / str(number)
        projector.write(str(directory), projection(3))
        failed = True
        try:
            failed = write_until(number, OSError(code, os.strerror(code)), directory)
        except OSError as error:
            raised.append(error.errno)
        check(directory, {3, 5})
        assert not any(".new" in path for path in files_of(directory))
        projector.write(str(directory), projection(5))
        assert check(directory, {5}) == {"tag:00001"}
        if not failed:
            break
    assert raised == [code] * (number - 1)
    assert number > 10


_FOR_EVER = """
import itertools, sys
from tbxd.format.projection import Projection
from tbxd.sinks import projector

for number in itertools.count():
    points = 2000 + number % 3
    files = {"tensors.bytes": bytes(points * 8), "metadata.tsv": b"%d\\n" % points * points}
    projector.write(sys.argv[1], Projection("tag", 1, (points, 2), files, None))
    if number < 2:
        print("written", flush=True)
"""


def test_a_real_kill(tmp_path: Path) -> None:
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", _FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        elements = (tmp_path / "00001/tag/tensors.bytes").read_bytes()
        assert elements in [bytes(points * 8) for points in (2000, 2001, 2002)]
        labels = (tmp_path / "00001/tag/metadata.tsv").read_bytes().split()
        assert labels == [b"%d" % len(labels)] * len(labels)
        for block in config_of(tmp_path).embeddings:
            assert list(block.tensor_shape) == [len(elements) // 8, 2]


class Gate(Bounds):
    """Keeps who writes files there, as a file system does that does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.opened = threading.Event()

    def check_room(self, place: int | str, wanted_bytes: int) -> None:
        self.reached.set()
        self.opened.wait(30.0)


def test_who_is_kept_keeps_nobody_else(tmp_path: Path) -> None:
    gate = Gate()
    done: list[int] = []

    def write_others() -> None:
        for number in range(64):
            projector.write(str(tmp_path / str(number)), projection(3))
            done.append(number)

    threads = [
        threading.Thread(
            target=projector.write, args=(str(tmp_path / "kept"), projection(3), gate)
        ),
        threading.Thread(target=write_others),
    ]
    threads[0].start()
    assert gate.reached.wait(10.0)
    threads[1].start()
    threads[1].join(10.0)
    written = len(done)
    gate.opened.set()
    for each in threads:
        each.join()
    assert written == 64


def test_a_run_directory_belongs_to_one_at_a_time(tmp_path: Path) -> None:
    """Also if it has several names; who is turned away comes again."""
    run, gate = tmp_path / "run", Gate()
    (tmp_path / "name").symlink_to(run)
    first = threading.Thread(target=projector.write, args=(str(run), projection(3), gate))
    first.start()
    assert gate.reached.wait(10.0)
    with pytest.raises(OSError, match="another embedding is being written") as caught:
        projector.write(str(tmp_path / "name"), projection(4, "other"))
    assert (caught.value.errno, caught.value.filename) == (errno.EBUSY, str(tmp_path / "name"))
    gate.opened.set()
    first.join()
    projector.write(str(tmp_path / "name"), projection(4, "other"))
    assert check(run, {3, 4}) == {"tag:00001", "other:00001"}
