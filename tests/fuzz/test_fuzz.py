"""Each target on its seeds, on what hypothesis makes of them, and for a moment under the fuzzer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .targets import TARGETS

_EXAMPLES = 100
_OTHERS = (0x00, 0x93, 0xA1, 0xC0, 0xC3, 0xCB, 0xFF)
"""A small number, a list, a text, nothing, true, a float and minus one, as msgpack has them."""


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_are_survived(name: str) -> None:
    for content in TARGETS[name].seeds():
        TARGETS[name].run(content)


@pytest.mark.parametrize("name", TARGETS)
def test_each_byte_of_a_seed_may_be_another(name: str, pytestconfig: pytest.Config) -> None:
    target = TARGETS[name]
    stride = 5 if target.slow and not pytestconfig.getoption("long") else 1
    number = 0
    for seed in target.seeds():
        for at in range(len(seed)):
            for value in _OTHERS:
                number += 1
                if number % stride == 0:
                    target.run(seed[:at] + bytes([value]) + seed[at + 1 :])
    assert number > 1000


@pytest.mark.parametrize("name", TARGETS)
def test_spoiled_seeds_are_survived(name: str, pytestconfig: pytest.Config) -> None:
    target = TARGETS[name]
    long = pytestconfig.getoption("long")

    @settings(
        max_examples=_EXAMPLES * 10 if long else _EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(target.seeds()), st.data())
    def survives(seed: bytes, data: st.DataObject) -> None:
        content = bytearray(seed)
        for _ in range(data.draw(st.integers(0, 4))):
            begin = data.draw(st.integers(0, len(content)))
            end = data.draw(st.integers(begin, min(begin + 8, len(content))))
            content[begin:end] = data.draw(st.binary(max_size=12))
        target.run(bytes(content))

    survives()


@pytest.mark.parametrize("name", TARGETS)
def test_the_fuzzer_finds_nothing(name: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    pytest.importorskip("atheris", reason="the fuzzer comes with the extra [fuzz]")
    seconds = 60 if pytestconfig.getoption("long") else 1
    command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(seconds)]
    done = subprocess.run(
        [*command, "--corpus", str(tmp_path / "corpus")],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=300 + seconds,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    executed = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert executed is not None
    assert int(executed[1]) > len(TARGETS[name].seeds())
