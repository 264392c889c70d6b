"""Graphs of models, node by node beside the peers'."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.types_pb2 import DataType
from torch import nn
from torch.jit._trace import TracingCheckError

from tbxd_client import SummaryWriter
from tests.client.leftovers import Logged

from .whole_events import TENSORBOARDX, TORCH, WRITERS, ours, theirs

pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
    # Models of torch's own that look at values while they are traced, and that could be faster.
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True:UserWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]

JIT: Any = torch.jit


class Nested(nn.Module):
    """Convolutions in sequences of sequences, and a layer without parameters between them."""

    def __init__(self) -> None:
        super().__init__()
        block = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU())
        self.features = nn.Sequential(block, nn.Sequential(nn.MaxPool2d(2), nn.Dropout()))
        self.head = nn.Linear(2 * 4 * 4, 3)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(picture).flatten(1)).softmax(1)  # type: ignore[no-any-return]


class Shared(nn.Module):
    """One layer under two names, a parameter of its own, layers in a list, a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = self.first
        self.scale = nn.Parameter(torch.ones(3))
        self.register_buffer("shift", torch.zeros(3))
        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 3))])

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        value = self.second(self.first(value)) * self.scale + self.shift
        for layer in self.layers:
            value = layer(value)
        return value


class Recurrent(nn.Module):
    """Several outputs of one operation, and some of the model."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.LSTM(3, 4, 2, batch_first=True)

    def forward(self, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen, (hidden, _) = self.cells(value)
        return seen[:, -1], hidden


class Containers(nn.Module):
    """A dictionary and a tuple go in, a dictionary comes out, one argument is not used."""

    def forward(self, named: Any, pair: Any, unused: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"sum": named["left"] + named["right"], "product": pair[0] * pair[1]}


class Branching(nn.Module):
    """What only a scripted module can do: a branch with a graph of its own."""

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        if bool(value.sum() > 0):
            return value * 2
        return value - 1


MODELS: dict[str, tuple[Callable[[], Any], Any, bool]] = {
    "linear": (lambda: nn.Linear(2, 3), torch.zeros(1, 2), True),
    "perceptron": (
        lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)),
        torch.zeros(5, 4),
        True,
    ),
    "nested": (Nested, torch.zeros(2, 1, 8, 8), True),
    "list of inputs": (lambda: nn.Bilinear(2, 3, 4), [torch.zeros(1, 2), torch.zeros(1, 3)], True),
    "containers": (
        Containers,
        (
            {"left": torch.ones(2), "right": torch.ones(2)},
            (torch.ones(3), torch.ones(3)),
            torch.ones(1),
        ),
        False,
    ),
    "shared": (Shared, torch.zeros(2, 3), True),
    "recurrent": (Recurrent, torch.zeros(2, 5, 3), True),
    "transformer layer": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16),
        torch.zeros(3, 2, 8),
        True,
    ),
    "transformer": (
        lambda: nn.Transformer(8, 2, 1, 1, 16),
        (torch.zeros(3, 1, 8), torch.zeros(3, 1, 8)),
        True,
    ),
    "scripted": (lambda: JIT.script(Branching()), torch.ones(2), True),
    "scripted part": (
        lambda: nn.Sequential(nn.Linear(2, 2), JIT.script(Branching())),
        torch.ones(1, 2),
        True,
    ),
    "traced": (lambda: JIT.trace(Shared(), torch.zeros(2, 3)), torch.zeros(2, 3), True),
    "bfloat16": (lambda: nn.Linear(2, 2).bfloat16(), torch.zeros(1, 2).bfloat16(), True),
    "no operation": (nn.Identity, torch.zeros(1), True),
}


def graph_of(event: Any) -> GraphDef:
    return GraphDef.FromString(event.graph_def)


def assert_same(found: GraphDef, expected: GraphDef) -> None:
    assert [node.name for node in found.node] == [node.name for node in expected.node]
    for mine, other in zip(found.node, expected.node, strict=True):
        assert mine == other
    assert found == expected


@pytest.mark.parametrize("peer", WRITERS)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore:The input to trace is already a ScriptModule:UserWarning")
def test_a_graph_is_theirs(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, peer: str, name: str
) -> None:
    make, inputs, strict = MODELS[name]
    model = make()

    def call(target: Any) -> None:
        target.add_graph(model, inputs, use_strict_trace=strict)

    expected, their_metadata = theirs(WRITERS[peer], tmp_path, call)
    call(writer)
    found, metadata = ours(logged)
    assert_same(graph_of(found), graph_of(expected))
    assert graph_of(found).versions.producer == 22
    assert found.step == expected.step == 0
    assert not found.HasField("summary")
    # tensorboardX's name for it is "profiler"; there is no reason to have two.
    tags = {TENSORBOARDX: "profiler", TORCH: "step1"}
    assert their_metadata.tagged_run_metadata.tag == tags[peer]
    assert metadata.tagged_run_metadata.tag == "step1"
    ran = RunMetadata.FromString(metadata.tagged_run_metadata.run_metadata)
    assert ran == RunMetadata.FromString(their_metadata.tagged_run_metadata.run_metadata)
    assert [each.device for each in ran.step_stats.dev_stats] == ["/device:CPU:0"]


class NamedOutput(nn.Module):
    """torch calls its values "output.1" and "output"; that is also what the peers call ends."""

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        output = value * 2
        output = output.relu()
        return output + 1


def test_a_value_named_like_an_end_takes_no_ends_place(
    writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    """The peers lose the model's output: both are one entry of a dictionary."""
    model, inputs = NamedOutput(), torch.ones(2)
    expected, _ = theirs(WRITERS[TORCH], tmp_path, lambda peer: peer.add_graph(model, inputs))
    writer.add_graph(model, inputs)
    found = {node.name: node for node in graph_of(ours(logged)[0]).node}
    lost = {node.name for node in graph_of(expected).node} ^ found.keys()
    assert lost == {"output/output.1"}
    assert found["output/output.1"].input[0] in found
    assert "NamedOutput/output.1" in found


class Counting(nn.Module):
    """Counts how often it runs, which is a side effect that a user would see."""

    runs = 0

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        self.runs += 1
        return value * self.runs


def test_the_model_runs_once(writer: SummaryWriter, logged: Logged, tmp_path: Path) -> None:
    """With the peers several times, and it is refused for not doing the same again."""
    model = Counting()
    with pytest.raises(TracingCheckError):
        theirs(WRITERS[TORCH], tmp_path, lambda peer: peer.add_graph(model, torch.ones(1)))
    assert model.runs > 1
    model.runs = 0
    writer.add_graph(model, torch.ones(1))
    assert model.runs == 1
    assert len(ours(logged)) == 2


def test_a_layer_with_two_ways_through_it_is_logged(
    writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    """The peers trace it twice, it takes its other way the second time, and they refuse it."""
    model, inputs = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), torch.zeros(2, 3, 8)
    with pytest.raises(TracingCheckError):
        theirs(WRITERS[TORCH], tmp_path, lambda peer: peer.add_graph(model, inputs))
    writer.add_graph(model, inputs)
    (event, _) = ours(logged)
    assert any("MultiheadAttention[self_attn]" in node.name for node in graph_of(event).node)


def test_every_module_keeps_its_mode(writer: SummaryWriter, tmp_path: Path) -> None:
    """The peers put all modules into the mode of the outermost: frozen layers thaw."""
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))

    def modes(call: Callable[[], object]) -> list[bool]:
        model.train()
        model[1].eval()
        call()
        return [module.training for module in model.modules()]

    inputs = torch.ones(3, 2)
    assert modes(lambda: writer.add_graph(model, inputs)) == [True, True, False]
    peer = WRITERS[TORCH]
    assert modes(lambda: theirs(peer, tmp_path, lambda w: w.add_graph(model, inputs))) == [True] * 3


class Failing(nn.Module):
    def forward(self, value: torch.Tensor) -> torch.Tensor:
        assert not self.training
        raise KeyError("no such value")


MISTAKES: dict[str, tuple[Any, Any]] = {
    "wrong shape": (nn.Linear(2, 3), torch.zeros(1, 5)),
    "no input": (nn.Linear(2, 3), None),
    "too few inputs": (nn.Linear(2, 3), ()),
    "a number": (nn.Linear(2, 3), 3),
    "a dictionary comes out": (Containers(), ({"left": torch.ones(1)}, (), torch.ones(1))),
    "the model raises": (Failing(), torch.zeros(1)),
    "a function": (torch.relu, torch.zeros(1)),
    "no model": ("model", torch.zeros(1)),
    "nothing": (None, torch.zeros(1)),
}


@pytest.mark.parametrize("peer", WRITERS)
@pytest.mark.parametrize("name", MISTAKES)
def test_what_cannot_be_traced_raises_their_exception(
    writer: SummaryWriter,
    logged: Logged,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    peer: str,
    name: str,
) -> None:
    model, inputs = MISTAKES[name]
    with pytest.raises(Exception) as expected:  # noqa: PT011
        theirs(WRITERS[peer], tmp_path, lambda target: target.add_graph(model, inputs))
    with pytest.raises(expected.type):
        writer.add_graph(model, inputs)
    assert logged() == []
    assert getattr(model, "training", True) is True
    assert capsys.readouterr().out == ""


# -- ONNX


def value(name: str, kind: int, *shape: int | str) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def saved(
    path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], *weights: Any
) -> str:
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(weights))
    onnx.save(helper.make_model(graph), path)
    return str(path)


def plain(path: Path) -> str:
    """A convolution and what follows: every form of attribute, weights, a symbolic extent."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, (2, 1, 3, 3), b"\0" * 72, raw=True)
    constant = helper.make_tensor("c", TensorProto.FLOAT, (2,), [1.0, 2.0])
    nodes = [
        helper.make_node(
            "Conv", ["x", "w"], ["y"], "conv", kernel_shape=[3, 3], auto_pad="SAME_UPPER"
        ),
        helper.make_node("Constant", [], ["k"], value=constant),
        helper.make_node("LeakyRelu", ["y"], ["z"], alpha=0.1),
        helper.make_node("Flatten", ["z"], ["/head/f"], axis=1),
    ]
    return saved(
        path, nodes, [value("x", 1, "batch", 1, 8, 8)], [value("/head/f", 1, 1, 128)], weights
    )


@pytest.mark.parametrize("peer", WRITERS)
def test_an_onnx_graph_is_theirs(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, peer: str
) -> None:
    path = plain(tmp_path / "model.onnx")
    (expected,) = theirs(WRITERS[peer], tmp_path / "run", lambda w: w.add_onnx_graph(path))
    writer.add_onnx_graph(path)
    (event,) = ours(logged)
    found, other = graph_of(event), graph_of(expected)
    # Theirs have a node for the model's output and one for the operation, under one name.
    assert [node.name for node in other.node] == ["x", "/head/f", "y", "k", "z", "/head/f"]
    del other.node[1]
    assert_same(found, other)


def test_where_an_onnx_graph_is_better_than_theirs(
    writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    large = helper.make_tensor("c", TensorProto.FLOAT, (4096,), [0.0] * 4096)
    nodes = [
        helper.make_node("Split", ["x"], ["left", "right"], axis=0),
        helper.make_node("Clip", ["right", "", "x"], ["clipped"]),
        helper.make_node("Constant", [], ["k"], value=large),
        helper.make_node("Constant", [], ["many"], value_ints=list(range(2000))),
        helper.make_node("Constant", [], ["words"], value_strings=["a" * 2000]),
        helper.make_node("Constant", [], ["long"], value_string="a" * 2000),
    ]
    path = saved(tmp_path / "m.onnx", nodes, [value("x", 7, 4)], [value("other", 9)])
    writer.add_onnx_graph(path)
    (event,) = ours(logged)
    found = {node.name: node for node in graph_of(event).node}
    # ONNX's 7 is an int64; TensorFlow's is a string.
    assert found["x"].attr["dtype"].type == DataType.DT_INT64
    assert found["other"].attr["dtype"].type == DataType.DT_BOOL
    # The second output is another one of the same node, and no input has no name.
    assert list(found["clipped"].input) == ["left:1", "x"]
    texts = {name: node.attr["parameters"].s.decode() for name, node in found.items()}
    assert texts["k"] == f"value = (TensorProto 4096, {large.ByteSize()} bytes) = 4"
    assert texts["many"] == "value_ints = (2000 values) = 7"
    assert all(len(text) < 100 for name, text in texts.items() if name != "words")


def test_weights_in_files_of_their_own_are_not_needed(
    writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    path = plain(tmp_path / "model.onnx")
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    os.remove(tmp_path / "weights")
    writer.add_onnx_graph(path)
    assert len(ours(logged)) == 1


def test_a_path_is_that_of_the_callers_directory(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    writer.add_onnx_graph("model.onnx")
    writer.add_onnx_graph(prototxt=Path("model.onnx"))
    first, second = ours(logged)
    assert first.graph_def == second.graph_def


@pytest.mark.parametrize("peer", WRITERS)
@pytest.mark.parametrize("name", ["absent.onnx", "garbage.onnx", "."])
def test_what_is_no_onnx_file_raises_their_exception(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, peer: str, name: str
) -> None:
    (tmp_path / "garbage.onnx").write_bytes(b"\xff" * 9)
    path = str(tmp_path / name)
    with pytest.raises(Exception) as expected:  # noqa: PT011
        theirs(WRITERS[peer], tmp_path / "run", lambda w: w.add_onnx_graph(path))
    with pytest.raises(expected.type):
        writer.add_onnx_graph(path)
    assert logged() == []


def test_without_the_onnx_package(
    writer: SummaryWriter, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = builtins.__import__

    def without_onnx(name: str, *arguments: Any) -> Any:
        if name == "onnx":
            raise ModuleNotFoundError("No module named 'onnx'")
        return found(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_onnx)
    with pytest.raises(ImportError, match=r"pip install 'tbxd\[onnx\]'"):
        writer.add_onnx_graph("model.onnx")
    assert logged() == []
