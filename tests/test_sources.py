"""What must never be in the sources, wherever it would be called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

_RUNS_DATA = frozenset(
    {"cloudpickle", "code", "dill", "joblib", "jsonpickle", "marshal", "pickle", "runpy"}
    | {"shelve", "yaml", "_pickle"}
)
"""Modules that turn data into running code, or into objects that run some."""

_RUNS_TEXT = frozenset({"eval", "exec", "compile", "__import__"})


def offences(source: str) -> Iterator[str]:
    """Yield what in a module could run what it was sent."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        yield from (name for name in names if name.split(".")[0] in _RUNS_DATA)
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in _RUNS_TEXT:
                yield called.id
            if isinstance(called, ast.Attribute) and called.attr == "import_module":
                # A module of our own, by a name of our own: never one that was sent.
                yield called.attr
            for each in node.keywords:
                if each.arg == "allow_pickle" and ast.unparse(each.value) != "False":
                    yield each.arg


_ALLOWED = {
    # Each takes its names from a table in the same file.
    "tbxd/cli/__init__.py": ["import_module"],
}


@pytest.mark.parametrize("package", ["tbxd", "client/tbxd_wire"])
def test_nothing_that_is_sent_is_ever_run(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert len(modules) > 10
    found = {
        str(each.relative_to(ROOT)): list(offences(each.read_text(encoding="utf-8")))
        for each in modules
    }
    allowed = {name: each for name, each in _ALLOWED.items() if name.startswith(package)}
    assert {name: each for name, each in found.items() if each} == allowed


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from marshal import loads",
        "def f():\n    import yaml.reader as safe",
        "eval('1')",
        "numpy.load(file, allow_pickle=True)",
        "importlib.import_module(name)",
    ],
)
def test_it_would_be_found(source: str) -> None:
    assert list(offences(source))


@pytest.mark.parametrize(
    "source", ["re.compile('x')", "import msgpack", "a.eval()", "load(f, allow_pickle=False)"]
)
def test_nothing_else_is(source: str) -> None:
    assert not list(offences(source))
