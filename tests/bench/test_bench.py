"""The bench itself: that it runs as a whole, and that its counting and judging can say no.

The figures of a run at tiny sizes mean nothing and are not looked at; what must hold at any size
(nothing lost, nothing twice, nothing unwanted imported, nothing left lying about) is.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from . import measurements
from .__main__ import main
from .backends import TBXD, TENSORBOARDX
from .budgets import LINES, Line
from .count import count_scalars, event_files
from .floor import DirectWriter
from .framing import DamagedFile, checked, record_header, record_trailer
from .report import Verdict, report
from .rounds import Results, Task, plan
from .samples import quantile

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """The JSON of one quick round of everything, and the temporary directory it ran in."""
    temporary = tmp_path_factory.mktemp("t")
    json_path = tmp_path_factory.mktemp("json") / "bench.json"
    environment = {**os.environ, "TMPDIR": str(temporary)}
    environment.pop("XDG_RUNTIME_DIR", None)
    search_path = [str(ROOT), str(ROOT / "client"), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, search_path))
    subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick", "--rounds=1", f"--json={json_path}"],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=300,
    )
    return json.loads(json_path.read_text()), temporary


def test_every_line_has_every_backend(whole_run: tuple[dict[str, Any], Path]) -> None:
    lines = whole_run[0]["lines"]
    shown = {(line["measurement"], line["figure"], line["title"]) for line in lines}
    assert shown == {
        (line.measurement, line.figure, line.title.strip())
        for line in LINES
        if not measurements.BY_NAME[line.measurement].once
    }
    for line in lines:
        measurement = measurements.BY_NAME[line["measurement"]]
        peers = {backend.name for backend in measurement.backends}
        for spread in line["backends"].values():
            assert spread["least"] <= spread["median"] <= spread["most"]
        is_ratio = line["ratio_to"] is not None or line["floor_share"] is not None
        if not is_ratio and not line["figure"].startswith("daemon"):
            assert set(line["backends"]) == peers
            assert (line["floor"] is None) == (measurement.floor is None)
        assert line["verdict"] in {"met", "missed", ""}
        has_budget = line["at_most"] is not None or line["at_least"] is not None
        assert bool(line["verdict"]) == has_budget


def test_the_rounds_are_in_the_json(whole_run: tuple[dict[str, Any], Path]) -> None:
    rounds = whole_run[0]["rounds"]
    assert {len(figures) for of_one in rounds.values() for figures in of_one.values()} == {1}
    assert rounds["burst"]["tbxd"][0]["mean_us"] > 0


def test_what_holds_at_any_size(whole_run: tuple[dict[str, Any], Path]) -> None:
    rounds = whole_run[0]["rounds"]
    (end_to_end,) = rounds["end_to_end"]["tbxd"]
    assert (end_to_end["left_behind"], end_to_end["missing"], end_to_end["twice"]) == (0, 0, 0)
    assert rounds["imports"]["tbxd"][0]["unwanted"] == 0
    assert rounds["latency"]["tbxd"][0]["cut_off"] == 0


def test_nothing_is_left_behind(whole_run: tuple[dict[str, Any], Path]) -> None:
    temporary = whole_run[1]
    assert list(temporary.iterdir()) == []
    ours = os.fsencode(temporary / "tbxd-bench-")
    assert [line for line in _command_lines() if ours in line] == []


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes()


def test_tasks_are_interleaved() -> None:
    burst = measurements.BY_NAME["burst"]
    tasks = plan([burst, measurements.BY_NAME["ten_million"]], [TBXD, TENSORBOARDX], rounds=2)
    assert burst.floor is not None
    one_round = ["tbxd", "tensorboardX", burst.floor.name]
    assert [task.backend.name for task in tasks] == [*one_round, "tbxd", *one_round]


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [([1.0, 9.0, 1.5], 30.0, Verdict.MET), ([1.0, 9.0, 1.6], 30.0, Verdict.MISSED)],
)
def test_the_median_is_judged(ours: list[float], theirs: float, verdict: Verdict) -> None:
    results = Results()
    burst = measurements.BY_NAME["burst"]
    for index, mean in enumerate(ours):
        results.add(Task(index, burst, TBXD), {"mean_us": mean})
        results.add(Task(index, burst, TENSORBOARDX), {"mean_us": theirs})
    mean_line = Line("burst", "mean_us", "", "us", at_most=1.5)
    ratio_line = Line("burst", "mean_us", "", "x", at_least=20.0, ratio_to="tensorboardX")
    reported = report([mean_line, ratio_line], results)
    assert [one.verdict for one in reported] == [verdict, verdict]
    assert reported[1].spreads["tbxd"].most == 30.0


@pytest.mark.parametrize(("ours", "verdict"), [(35.0, Verdict.MET), (36.0, Verdict.MISSED)])
def test_a_share_of_the_floor_is_judged(ours: float, verdict: Verdict) -> None:
    results = Results()
    image = measurements.BY_NAME["image"]
    assert image.floor is not None
    results.add(Task(0, image, TBXD), {"p50_us": ours})
    results.add(Task(0, image, image.floor), {"p50_us": 10.0})
    line = Line("image", "p50_us", "", "x", at_most=1, floor_share=(2, 15))
    (reported,) = report([line], results)
    assert reported.verdict is verdict
    assert reported.spreads["tbxd"].median == ours / 35


@pytest.mark.parametrize(
    ("mean_us", "options", "status"),
    [(1.4, ["--check"], 0), (1.6, ["--check"], 1), (1.6, [], 0)],
)
def test_check_fails_on_a_missed_budget(
    mean_us: float, options: list[str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_nothing(tasks: list[Task], sizes_name: str) -> Results:
        results = Results()
        results.add(tasks[0], {"mean_us": mean_us})
        return results

    monkeypatch.setattr("tests.bench.__main__._run_with_progress", run_nothing)
    outcome = CliRunner().invoke(main, ["--only=burst", "--backend=tbxd", *options])
    assert outcome.exit_code == status
    assert ("budget missed: burst" in outcome.output) == bool(status)


def test_a_line_without_figures_is_not_shown() -> None:
    assert report(LINES, Results()) == []


def test_missing_and_doubled_steps_are_counted(tmp_path: Path) -> None:
    writer = DirectWriter(str(tmp_path))
    for step in (0, 1, 2, 2, 4):
        writer.add_scalar("tag", 1.0, step)
    writer.add_scalar("other", 1.0, 3)
    writer.close()
    counted = count_scalars(event_files(str(tmp_path)), "tag", 6, reference_records=10)
    assert (counted.missing, counted.twice) == (2, 1)


def test_only_the_given_bytes_are_counted(tmp_path: Path) -> None:
    writer = DirectWriter(str(tmp_path))
    writer.add_scalar("tag", 1.0, 0)
    writer.flush()
    early = event_files(str(tmp_path))
    writer.add_scalar("tag", 1.0, 1)
    writer.close()
    assert count_scalars(early, "tag", 2, reference_records=0).missing == 1
    assert count_scalars(event_files(str(tmp_path)), "tag", 2, reference_records=0).missing == 0


@pytest.mark.parametrize("position", [0, 8, 12, -1])
def test_damage_is_seen(position: int) -> None:
    data = b"an event"
    record = bytearray(record_header(len(data)) + data + record_trailer(data))
    assert list(checked(bytes(record))) == [data]
    record[position] ^= 1
    with pytest.raises(DamagedFile):
        list(checked(bytes(record)))


def test_a_torn_tail_is_seen() -> None:
    data = b"an event"
    record = record_header(len(data)) + data + record_trailer(data)
    with pytest.raises(DamagedFile):
        list(checked(record + record[:-1]))


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.5, 5), (0.51, 6), (0.99, 10), (0.999, 10), (0.05, 1)]
)
def test_a_quantile_is_a_sample(fraction: float, expected: int) -> None:
    assert quantile(range(1, 11), fraction) == expected
