"""Run directories of every name a file system allows: they work, or they are an error at once."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from tbxd_client import SummaryWriter
from tbxd_wire.paths import RUN_BYTES
from tests.board import tensorboard
from tests.waiting import wait_until

from . import producer, tally
from .field import Daemon, Trainers
from .judge import judge, records
from .ledger import Ledger

_COUNT = 50

_NAMES = (
    unicodedata.normalize("NFC", "Läufe é"),
    unicodedata.normalize("NFD", "Läufe é"),
    "🚀",
    "  two words  ",
    "a\nnewline",
    "'\"`$(echo)",
    "100%s%20%",
    "back\\slash",
    "*?[a]",
    "[bold]markup",
    "-rf",
    "~",
    "...",
    "events.out.tfevents.0000000001.host.1.0",
    "x" * 255,
)
"""Each is one component, and a run of its own. (A "~" is a shell's matter, as for both peers.)"""


def log(given: str | bytes | os.PathLike[str], count: int = _COUNT) -> None:
    """Log records as the judge expects them."""
    with SummaryWriter(given, role="") as writer:  # type: ignore[arg-type]
        for step in range(count):
            writer.add_scalar(producer.TAG, producer.value_of(step), step)


def assert_shown(runs: Path, names: tuple[str, ...], *, fast: bool) -> None:
    """Have TensorBoard show every point of every name."""
    expected = [(step, producer.value_of(step)) for step in range(_COUNT)]

    with tensorboard(runs, fast=fast) as board:

        def missing() -> list[str]:
            return [name for name in names if board.points(name, producer.TAG) != expected]

        board.wait(lambda: not missing(), missing)


def test_every_name_is_a_run_of_its_own(tmp_path: Path, daemon: Daemon, ledger: Ledger) -> None:
    runs = tmp_path / "runs"
    for name in _NAMES:
        log(runs / name)
    verdicts = [judge(runs / name, _COUNT, _COUNT) for name in _NAMES]
    ledger.enter("run directories of odd names", verdicts)
    assert all(verdict.good for verdict in verdicts), list(zip(_NAMES, verdicts, strict=True))
    assert sorted(os.listdir(runs)) == sorted(_NAMES)
    for fast in (True, False):
        # TensorBoard's Python loader takes a directory of that name for a file, whoever wrote it.
        shown = tuple(name for name in _NAMES if fast or "tfevents" not in name)
        assert_shown(runs, shown, fast=fast)


_WAYS: dict[str | bytes | Path, str] = {
    "one/../two/./three//four///": "two/three/four",
    "link": "far/away",
    # As the system itself finds it: beside the link's target, not beside the link.
    "link/../beside": "far/beside",
    "far/not there/../run": "far/run",
    "link/.": "far/away",
    ".": ".",
    b"bytes \xc3\xa9": "bytes é",
    Path("a path"): "a path",
}


def test_every_way_to_say_it(
    tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (given, where) in enumerate(_WAYS.items()):
        place = tmp_path / str(number)
        (place / "far/away").mkdir(parents=True)
        (place / "link").symlink_to("far/away")
        monkeypatch.chdir(place)
        log(given)
        assert judge(place / where, _COUNT, _COUNT).good, given


def test_two_ways_to_one_directory_share_a_file(tmp_path: Path, daemon: Daemon) -> None:
    run = tmp_path / "run"
    log(run)
    log(f"/{tmp_path}/x/..//run/")
    assert len(list(run.iterdir())) == 1


def test_the_longest_path_there_can_be(
    tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d").mkdir()
    deep = f"{tmp_path}/d"
    while len(deep) + 256 < RUN_BYTES:
        deep += "/" + "d" * min(200, RUN_BYTES - len(deep) - 3)
    longest = deep + "/" + "e" * (RUN_BYTES - len(deep) - 1)
    assert len(longest) == RUN_BYTES
    log(longest)
    assert judge(Path(longest), _COUNT, _COUNT).good
    for too_long in (longest + "e", f"{longest}/role", longest + "e" * 200):
        with pytest.raises(OSError, match="leaves no room for an event file's name"):
            SummaryWriter(too_long, role="")
    with pytest.raises(OSError, match="leaves no room"):
        SummaryWriter(longest, role="worker")
    # Told from where it is, its name is short.
    monkeypatch.chdir(deep)
    with pytest.raises(OSError, match="leaves no room"):
        SummaryWriter("e" * (RUN_BYTES - len(deep)), role="")
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path / "d")


@pytest.mark.parametrize(
    ("given", "error", "reason"),
    [
        ("x" * 256, OSError, "File name too long"),
        ("file", FileExistsError, "Is a file"),
        ("file/", FileExistsError, "Is a file"),
        ("file/run", NotADirectoryError, "Not a directory"),
        ("dangling", FileExistsError, "a link that leads nowhere"),
        ("dangling/run", FileNotFoundError, "No such file"),
        ("circle", FileExistsError, "a link that leads nowhere"),
        ("nul\0", ValueError, "embedded null"),
        (b"\xff", ValueError, "surrogates not allowed"),
        ("s3://bucket/run", ValueError, "a local path, not a URL such as 's3://bucket/run'"),
    ],
    ids=repr,
)
def test_what_cannot_be_a_run_is_an_error_at_once(
    tmp_path: Path,
    daemon: Daemon,
    monkeypatch: pytest.MonkeyPatch,
    given: str | bytes,
    error: type[Exception],
    reason: str,
) -> None:
    (tmp_path / "file").write_text("of somebody's")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(error, match=reason):
        SummaryWriter(given)  # type: ignore[arg-type]
    assert set(tmp_path.rglob("*")) - before <= {daemon.directory}


def test_a_link_that_is_turned_elsewhere(
    tmp_path: Path, trainers: Trainers, daemon: Daemon, ledger: Ledger
) -> None:
    """What comes later is written where the link leads by then, and nothing on the way is lost."""
    places = [tmp_path / f"place{number}" for number in range(4)]
    link = tmp_path / "run"
    for number, place in enumerate(places):
        place.mkdir()
        (tmp_path / "new").symlink_to(place)
        os.replace(tmp_path / "new", link)
        if number == 0:
            trainer = trainers.start("run", pause_s=0.005, burst=100)
        wait_until(lambda place=place: list(place.iterdir()), "its file is in the new place")  # type: ignore[misc]
        reached = trainer.returned() + 2000
        wait_until(lambda: trainer.returned() > reached, "the trainer logs")  # noqa: B023
    trainer.kill()
    daemon.settle()
    begun, returned = tally.read(trainer.tally)
    found = [[step for _, step, _ in records(place)] for place in places]
    assert all(found)
    steps = [step for each in found for step in each]
    assert steps == list(range(len(steps)))
    assert returned <= len(steps) <= begun
    for number, place in enumerate(places):
        first, end = found[number][0], found[number][-1] + 1
        verdict = judge(place, end, min(end, returned), first=first)
        ledger.enter("link to the run turned elsewhere", [verdict])
        assert verdict.good, verdict
