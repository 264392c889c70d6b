"""Histograms, PR curves and tensors: the events of both peers beside ours, call by call."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensorboard import data_compat
from tensorboard.util.tensor_util import make_ndarray
from tensorboardX.summary import make_histogram

from tbxd.encode import default_bins
from tbxd.encode.bin_counts import bins_of
from tbxd_client import SummaryWriter
from tbxd_client.arrays import source
from tbxd_wire.distributions import BINS_MAX, RULES
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged
from tests.tbxd.encode.making import events_of

from .events import PEERS, TENSORBOARDX, TORCH, Call, Events, ours, theirs

WALL_TIME = 1_700_000_000.25
RANDOM = np.random.default_rng(5)
NORMAL = RANDOM.normal(size=3000)
MANY = RANDOM.normal(size=300_000).astype(np.float32) ** 3
LABELS = RANDOM.uniform(size=400) > 0.6
SCORES = RANDOM.uniform(size=400)
HALF_EMPTY = np.array([0.5, 1.5, np.nan, -2.0])


def histogram(values: Any, **options: Any) -> Call:
    return lambda writer: writer.add_histogram("tag/x", values, 3, walltime=WALL_TIME, **options)


def raw(limits: Any, counts: Any, *numbers: Any) -> Call:
    numbers = numbers or (0.5, 9.5, 12, 60.25, 500)
    return lambda writer: writer.add_histogram_raw("tag", *numbers, limits, counts, 3, WALL_TIME)


def pr_curve(labels: Any, predictions: Any, **options: Any) -> Call:
    return lambda writer: writer.add_pr_curve(
        "tag", labels, predictions, 3, walltime=WALL_TIME, **options
    )


def pr_curve_raw(*rows: Any, **options: Any) -> Call:
    return lambda writer: writer.add_pr_curve_raw("tag", *rows, 3, walltime=WALL_TIME, **options)


def tensor(elements: Any) -> Call:
    return lambda writer: writer.add_tensor("tag", elements, 3, WALL_TIME)


EDGES = np.linspace(-2, 2, 9)
ROWS = [np.arange(5.0) + number for number in range(6)]
CALLS: dict[str, Call] = {
    "float32": histogram(NORMAL.astype(np.float32)),
    "float64": histogram(NORMAL),
    "float16": histogram(NORMAL.astype(np.float16)),
    "int64": histogram(np.arange(-50, 1000)),
    "int8": histogram(np.arange(-128, 128, dtype=np.int8)),
    "uint8": histogram(np.arange(256, dtype=np.uint8)),
    "uint64": histogram(np.array([0, 1, 2**64 - 1], np.uint64)),
    "bool": histogram(NORMAL > 0),
    "tensor": histogram(torch.from_numpy(NORMAL).requires_grad_()),
    "bfloat16": histogram(torch.from_numpy(NORMAL).bfloat16()),
    "large bfloat16": histogram(torch.full((3,), 1e5, dtype=torch.bfloat16)),
    "float8": histogram(torch.from_numpy(NORMAL).to(torch.float8_e5m2)),
    "many": histogram(MANY),
    "shaped": histogram(NORMAL.reshape(30, 10, 10)),
    "transposed": histogram(NORMAL.reshape(30, 100).T[::-2]),
    "list": histogram([1, 2, 3.5]),
    "nested list": histogram([[1, 2], [3, 4]]),
    "number": histogram(2.5),
    "zero": histogram(np.zeros(1)),
    "zeros": histogram(np.array([0.0, -0.0, 0.0])),
    "constant": histogram(np.full(7, 3.25)),
    "tiny": histogram(np.array([1e-13, -1e-13, 5e-324, -5e-324, 1e-12, -1e-12])),
    "at the ends": histogram(np.array([-1e20, 1e20, 5.0])),
    "beyond the bins": histogram(np.array([-1e25, 1e25, 1e30, 5.0])),
    "only beyond the bins": histogram(np.array([-1e25, -1e30])),
    "NaN": histogram(HALF_EMPTY),
    "infinity": histogram(np.array([1.0, np.inf, -np.inf])),
    "only NaN": histogram(np.array([np.nan])),
    "empty": histogram(np.zeros(0)),
    "empty shape": histogram(np.zeros((3, 0, 2))),
    "max_bins": histogram(NORMAL, max_bins=100),
    "max_bins that divide": histogram(NORMAL, max_bins=774),
    "max_bins that are enough": histogram(NORMAL, max_bins=1548),
    "max_bins of one": histogram(NORMAL, max_bins=1),
    "max_bins of none": histogram(NORMAL, max_bins=0),
    "max_bins of words": histogram(NORMAL, max_bins="9"),
    **{f"{rule}": histogram(NORMAL, bins=rule) for rule in ("auto", "fd", "doane", "scott")},
    **{f"{rule}": histogram(NORMAL, bins=rule) for rule in ("rice", "sqrt", "sturges", "stone")},
    "auto, float32": histogram(MANY, bins="auto"),
    "doane, many": histogram(MANY, bins="doane"),
    "scott, many": histogram(MANY, bins="scott"),
    "auto, one": histogram(np.array([4.0]), bins="auto"),
    "doane, two": histogram(np.array([4.0, 5.0]), bins="doane"),
    "fd, constant": histogram(np.full(9, 4.0), bins="fd"),
    "stone, constant": histogram(np.full(9, 4.0), bins="stone"),
    "auto, max_bins": histogram(NORMAL, bins="auto", max_bins=7),
    "auto, NaN": histogram(HALF_EMPTY, bins="auto"),
    "number of bins": histogram(NORMAL, bins=30),
    "number of bins, many": histogram(MANY, bins=64),
    "number of numpy's": histogram(NORMAL, bins=np.int64(7)),
    "number in a tensor": histogram(NORMAL, bins=torch.tensor(7)),
    "one bin": histogram(NORMAL, bins=1),
    "bins of a constant": histogram(np.full(3, 2.0), bins=5),
    "bins of a narrow range": histogram(np.array([1.0, np.nextafter(1, 2)]), bins=10),
    "bins of a wide range": histogram(np.array([-1.7e308, 1.7e308]), bins=4),
    "no bins": histogram(NORMAL, bins=0),
    "bins of a float": histogram(NORMAL, bins=10.0),
    "bins of None": histogram(NORMAL, bins=None),
    "unknown bins": histogram(NORMAL, bins="tensor"),
    "edges": histogram(NORMAL, bins=EDGES),
    "edges of float32": histogram(NORMAL, bins=EDGES.astype(np.float32)),
    "edges in a list": histogram(NORMAL, bins=[-1, 0, 0, 1]),
    "edges in a tuple": histogram(NORMAL, bins=(-1, 0, 1)),
    "edges in a tensor": histogram(NORMAL, bins=torch.linspace(-1, 1, 5)),
    "edges that are infinite": histogram(NORMAL, bins=[-math.inf, 0, math.inf]),
    "edges, max_bins": histogram(NORMAL, bins=EDGES, max_bins=3),
    "edges, many": histogram(MANY, bins=EDGES),
    "edges beside the values": histogram(NORMAL, bins=[100, 200]),
    "edges and NaN": histogram(HALF_EMPTY, bins=[-3, 0, 3]),
    "falling edges": histogram(NORMAL, bins=[1, 0]),
    "edges with NaN": histogram(NORMAL, bins=[0, math.nan, 1]),
    "one edge": histogram(NORMAL, bins=[1]),
    "edges in two dimensions": histogram(NORMAL, bins=[[0, 1], [1, 2]]),
    "complex": histogram(NORMAL + 1j),
    "text": histogram("values"),
    "None": histogram(None),
    "tuple": histogram((1, 2)),
    "step": lambda writer: writer.add_histogram("tag", NORMAL, "one"),
    "no step": lambda writer: writer.add_histogram("tag", NORMAL, walltime=WALL_TIME),
    "positions": lambda writer: writer.add_histogram("t", NORMAL, 3, "fd", WALL_TIME, 5),
    "raw": raw([1, 5.5, 10], [0, 7, 5]),
    "raw of arrays": raw(np.array([1.0, 2.0]), np.array([3, 4])),
    "raw of tensors": raw(torch.tensor([1.0, 2.0]), torch.tensor([3, 4])),
    "raw of numpy's numbers": raw([1], [2], *np.arange(5.0)),
    "raw of zeros": raw([0], [0], 0, 0, 0, 0, 0),
    "raw of NaN": raw([1, 2], [1, 1], math.nan, math.nan, 2, math.nan, math.inf),
    "raw of nothing": raw([], []),
    "raw of too few": raw([1, 2], [1]),
    "raw of words": raw(["a"], [1]),
    "raw of tables": raw([[1, 2]], [[1, 2]]),
    "raw of None": raw([1], [1], None, 1, 1, 1, 1),
    "raw of text": raw([1], [1], "a", 1, 1, 1, 1),
    "PR curve": pr_curve(LABELS, SCORES),
    "PR curve of tensors": pr_curve(torch.from_numpy(LABELS), torch.from_numpy(SCORES)),
    "PR curve of float32": pr_curve(LABELS, SCORES.astype(np.float32)),
    "PR curve of float16": pr_curve(LABELS, SCORES.astype(np.float16)),
    "PR curve of ints": pr_curve(LABELS.astype(int), np.arange(400) % 2),
    "PR curve of tables": pr_curve(LABELS.reshape(20, 20), SCORES.reshape(20, 20)),
    "PR curve of soft labels": pr_curve(SCORES, SCORES[::-1]),
    "PR curve of lists": pr_curve([0, 1, 1], [0.2, 0.6, 0.9]),
    "PR curve of many": pr_curve(MANY > 0, np.abs(np.sin(MANY))),
    "PR curve of few thresholds": pr_curve(LABELS, SCORES, num_thresholds=5),
    "PR curve of one threshold": pr_curve(LABELS, SCORES, num_thresholds=1),
    "PR curve of many thresholds": pr_curve(LABELS, SCORES, num_thresholds=500),
    "PR curve of no threshold": pr_curve(LABELS, SCORES, num_thresholds=0),
    "PR curve of half a threshold": pr_curve(LABELS, SCORES, num_thresholds=5.5),
    "PR curve with weights": pr_curve(LABELS, SCORES, weights=SCORES * 3),
    "PR curve with one weight": pr_curve(LABELS, SCORES, weights=0.25),
    "PR curve with no weight": pr_curve(LABELS, SCORES, weights=0),
    "PR curve with weights of columns": pr_curve(
        LABELS.reshape(40, 10), SCORES.reshape(40, 10), weights=np.arange(10)
    ),
    "PR curve with few weights": pr_curve(LABELS, SCORES, weights=SCORES[:5]),
    "PR curve out of range": pr_curve(LABELS, SCORES * 3 - 1),
    "PR curve of NaN": pr_curve(LABELS, np.where(SCORES > 0.5, np.nan, SCORES)),
    "PR curve of 0 and 1": pr_curve(np.array([1, 0]), np.array([1.0, 0.0])),
    "PR curve of nothing": pr_curve(np.zeros(0), np.zeros(0)),
    "PR curve of too few": pr_curve(LABELS[:5], SCORES),
    "PR curve of None": pr_curve(None, SCORES),
    "raw PR curve": pr_curve_raw(*ROWS, num_thresholds=5),
    "raw PR curve of lists": pr_curve_raw(*[row.tolist() for row in ROWS], num_thresholds=5),
    "raw PR curve of tensors": pr_curve_raw(*map(torch.from_numpy, ROWS), num_thresholds=5),
    "raw PR curve of 127": pr_curve_raw(*[np.linspace(0, 1, 127)] * 6),
    "raw PR curve of its own length": pr_curve_raw(*ROWS),
    "raw PR curve of 200": pr_curve_raw(*[np.linspace(0, 1, 200)] * 6, num_thresholds=200),
    "raw PR curve of too few": pr_curve_raw(*ROWS[:5], ROWS[5][:4]),
    "raw PR curve of nothing": pr_curve_raw(*[np.zeros(0)] * 6),
    "raw PR curve of numbers": pr_curve_raw(*range(6)),
    "raw PR curve of tables": pr_curve_raw(*[np.ones((2, 3))] * 6),
}
TENSORS: dict[str, Call] = {
    **{
        f"tensor of {dtype}": tensor((torch.arange(-5, 7) * 3).reshape(3, 4).to(dtype))
        for dtype in (
            *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool),
            *(torch.int8, torch.int16, torch.int32, torch.int64),
            *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
            *(torch.complex64, torch.complex128, torch.float8_e5m2, torch.float8_e4m3fn),
        )
    },
    "tensor of one number": tensor(torch.tensor(7)),
    "tensor of one float": tensor(torch.tensor([7.5])),
    "tensor of nothing": tensor(torch.zeros(3, 0)),
    "tensor of no uint64": tensor(torch.zeros(3, 0, dtype=torch.uint64)),
    "tensor that is not finite": tensor(torch.tensor([math.nan, math.inf, -math.inf, -0.0])),
    "transposed tensor": tensor(torch.arange(6.0).reshape(2, 3).t()),
    "conjugated tensor": tensor(torch.tensor([1 + 2j]).conj()),
    "tensor of an array": tensor(np.arange(3)),
    "tensor of a list": tensor([1.5, 2.5]),
    "tensor of text": tensor("text"),
    "tensor of None": tensor(None),
}

X, T = TENSORBOARDX, TORCH
BOTH = f"{X} {T}"
NOT_FINITE = "more: tag/x/nan; num; min; max; sum; sum_squares"
DIFFERENCES: list[tuple[str, str, str, str]] = [
    # Call, peers, what is different, why.
    ("bfloat16", X, "raises TypeError, ours nothing", "it has no such dtype"),
    ("large bfloat16", X, "raises TypeError, ours nothing", "it has no such dtype"),
    ("large bfloat16", T, "raises ValueError, ours nothing", "it casts to float16: infinite"),
    ("float8", BOTH, "raises TypeError, ours nothing", "they have no such dtype"),
    ("list", T, "raises NotImplementedError, ours nothing", "tensorboardX takes lists"),
    ("nested list", T, "raises NotImplementedError, ours nothing", "tensorboardX takes lists"),
    (
        "PR curve of lists",
        T,
        "raises NotImplementedError, ours nothing",
        "tensorboardX takes lists",
    ),
    ("text", T, "raises ValueError, ours TypeError", "as tensorboardX"),
    ("complex", BOTH, "raises nothing, ours TypeError", "they drop the imaginary part"),
    ("at the ends", BOTH, "buckets", "the last edge is below 1e20: they lose the elements"),
    ("beyond the bins", BOTH, "buckets", "they lose the elements outside"),
    (
        "only beyond the bins",
        BOTH,
        "raises ValueError, ours nothing",
        "a diverging training must not end at its histogram",
    ),
    ("NaN", BOTH, NOT_FINITE, "NaNs are counted apart"),
    ("infinity", BOTH, NOT_FINITE.replace("nan", "inf"), "infinities are counted apart"),
    ("edges and NaN", BOTH, NOT_FINITE, "NaNs are counted apart"),
    ("only NaN", BOTH, "raises ValueError, ours nothing", "NaNs are counted apart"),
    ("auto, NaN", BOTH, "raises ValueError, ours nothing", "NaNs are counted apart"),
    (
        "max_bins of none",
        BOTH,
        "raises ZeroDivisionError, ours ValueError",
        "it says what is wrong",
    ),
    ("one edge", BOTH, "raises IndexError, ours ValueError", "it says what is wrong"),
    ("edges with NaN", BOTH, "raises nothing, ours ValueError", "no element is in such a bin"),
    (
        "edges beside the values",
        BOTH,
        "buckets",
        "they write an empty one; and with two bins or more they raise",
    ),
    (
        "bins of a narrow range",
        BOTH,
        "raises ValueError, ours nothing",
        "there are not so many numbers in the range: as many bins as there can be",
    ),
    (
        "bins of a wide range",
        BOTH,
        "raises ValueError, ours nothing",
        "the width of the range is beyond a float64: counted all the same",
    ),
    ("raw of None", BOTH, "raises nothing, ours NotImplementedError", "they take None for 0"),
    (
        "raw PR curve of its own length",
        BOTH,
        "metadata",
        "they say 127 thresholds where there are 5 (TensorBoard 2.21 does not look)",
    ),
    ("raw PR curve of 200", BOTH, "metadata", "they say 127 thresholds where there are 200"),
    ("raw PR curve of nothing", BOTH, "raises nothing, ours ValueError", "nothing to draw"),
    (
        "raw PR curve of numbers",
        BOTH,
        "raises IndexError, ours TypeError",
        "it says what is wrong",
    ),
    (
        "raw PR curve of tables",
        BOTH,
        "raises nothing, ours TypeError",
        "their event has another number of elements than its shape says",
    ),
    ("tensor of torch.float16", T, "unreadable: OverflowError", "it writes the bits of float32"),
    ("tensor of torch.bfloat16", T, "unreadable: OverflowError", "it writes the bits of float32"),
    ("tensor of torch.uint8", T, "unreadable: ValueError", "it writes another field"),
    *(
        (f"tensor of {dtype}", T, "raises ValueError, ours nothing", "it has no such dtype")
        for dtype in ("torch.uint16", "torch.uint32", "torch.uint64", "no uint64")
    ),
    *(
        (f"tensor of torch.float8_{form}", T, "raises ValueError, ours nothing", "no such dtype")
        for form in ("e5m2", "e4m3fn")
    ),
    ("conjugated tensor", T, "raises RuntimeError, ours nothing", "it takes a view of its bits"),
    ("tensor of an array", T, "raises AttributeError, ours nothing", "it takes tensors alone"),
    ("tensor of a list", T, "raises AttributeError, ours nothing", "it takes tensors alone"),
    ("tensor of text", T, "raises AttributeError, ours TypeError", "as for every other array"),
    (
        "tensor of None",
        T,
        "raises AttributeError, ours NotImplementedError",
        "as for every other array",
    ),
]


def compared(ours: Events, theirs: Events) -> Iterator[str]:
    """Yield what is different."""
    ((mine,),), ((other,),) = ours.values(), theirs.values()
    if (mine.wall_time, mine.step) != (other.wall_time, other.step):
        yield "step"
    values = {value.tag: value for value in mine.summary.value}
    (expected,) = other.summary.value
    if more := values.keys() - {expected.tag}:
        yield f"more: {', '.join(sorted(more))}"
    yield from compared_values(values[expected.tag], expected)


def compared_values(mine: Any, other: Any) -> Iterator[str]:
    if mine.metadata != other.metadata:
        yield "metadata"
    if other.HasField("histo"):
        yield from compared_histograms(mine.histo, other.histo)
    else:
        yield from compared_tensors(mine.tensor, other.tensor)


def compared_histograms(mine: Any, other: Any) -> Iterator[str]:
    for name in ("num", "min", "max"):
        if repr(getattr(mine, name)) != repr(getattr(other, name)):
            yield name
    for name in ("sum", "sum_squares"):
        # Summed up in another order: equal but for the last bits.
        sums = getattr(mine, name), getattr(other, name)
        if not np.isclose(*sums, rtol=1e-12, atol=1e-12, equal_nan=True):
            yield name
    pairs = (mine.bucket, other.bucket), (mine.bucket_limit, other.bucket_limit)
    if any(list(one) != list(two) for one, two in pairs):
        yield "buckets"


def compared_tensors(mine: Any, other: Any) -> Iterator[str]:
    try:
        expected = make_ndarray(other)
    except (TypeError, ValueError, OverflowError) as error:
        yield f"unreadable: {type(error).__name__}"
        return
    found = make_ndarray(mine)
    if found.dtype != expected.dtype or not np.array_equal(found, expected, equal_nan=True):
        yield "elements"


@pytest.mark.parametrize(
    ("call", "peer"),
    [*((call, peer) for call in CALLS for peer in PEERS), *((call, T) for call in TENSORS)],
)
def test_a_call_makes_the_events_of_the_peers(
    call: str, peer: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    log = (CALLS | TENSORS)[call]
    mine, other = ours(writer, logged, log), theirs(peer, tmp_path / "theirs", log)
    if isinstance(mine, dict) and isinstance(other, dict):
        found = "; ".join(compared(mine, other))
    elif mine == other:
        found = ""
    else:
        found = f"raises {name_of(other)}, ours {name_of(mine)}"
    expected = [what for name, peers, what, _ in DIFFERENCES if name == call and peer in peers]
    assert [found] == (expected or [""])
    # What TensorBoard makes of it for its dashboards, in float32.
    with np.errstate(over="ignore"):
        for event in mine.get("", []) if isinstance(mine, dict) else []:
            data_compat.migrate_event(event)


def name_of(outcome: Events | type[Exception]) -> str:
    return "nothing" if isinstance(outcome, dict) else outcome.__name__


def test_every_difference_is_of_a_call() -> None:
    assert {call for call, *_ in DIFFERENCES} <= (CALLS | TENSORS).keys()


LARGE = 2.0**66
"""Within the default bins."""
finite = (
    st.floats(-LARGE, LARGE) | st.floats(-10, 10) | st.sampled_from([0.0, -0.0, 1e-12, 1.1e-12])
)
single = st.floats(-LARGE, LARGE, width=32) | st.floats(-10, 10, width=32)
lengths = st.integers(1, 40)


@settings(deadline=None)
@given(
    arrays.arrays(np.float64, lengths, elements=finite)
    | arrays.arrays(np.float32, lengths, elements=single)
    | arrays.arrays(st.sampled_from([np.int8, np.uint8, np.int64]), lengths),
    st.sampled_from([*RULES, "tensorflow"]) | st.integers(1, 50),
    st.none() | st.integers(1, 60),
)
def test_any_histogram_is_the_peers(values: Any, bins: str | int, max_bins: int | None) -> None:
    floats = values.astype(float)
    theirs: Any = bins
    if bins == "tensorflow":
        theirs = default_bins.EDGES
    elif isinstance(bins, str):
        # Of an outlier numpy makes any number of bins, and takes the memory for them.
        assume(bins_of(bins, [floats], len(floats), floats.min(), floats.max()) < BINS_MAX)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = make_histogram(floats, theirs, max_bins)
    except (ValueError, IndexError):
        # More bins than there are numbers to be their edges, or, by mistake, none: it refuses.
        reject()
    (event,) = events_of(Kind.HISTOGRAM, "tag", source(values), bins, max_bins).values()
    assert list(compared_histograms(event.summary.value[0].histo, expected)) == []


def test_the_default_bins_are_the_peers(tmp_path: Path) -> None:
    writer = PEERS[X](str(tmp_path))
    writer.close()
    assert default_bins.EDGES.tolist() == writer.default_bins


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize(
    "name", ["add_histogram", "add_histogram_raw", "add_pr_curve", "add_pr_curve_raw", "add_tensor"]
)
def test_calls_take_what_the_peers_take_in_their_order(peer: str, name: str) -> None:
    if (peer, name) == (X, "add_tensor"):
        return
    theirs = list(inspect.signature(getattr(PEERS[peer], name)).parameters)
    assert list(inspect.signature(getattr(SummaryWriter, name)).parameters) == theirs
