"""Graphs of models in a real TensorBoard."""

from __future__ import annotations

from google.protobuf import text_format
from tensorboard.compat.proto.graph_pb2 import GraphDef

from tests.board import Board


def graph(board: Board, run: str) -> GraphDef:
    """Return the graph that the page draws."""
    content = board.read("plugin/graphs/graph", run=run)
    assert content is not None
    return text_format.Parse(content, GraphDef())


def test_every_graph_is_there(board: Board) -> None:
    info = board.get("plugin/graphs/info")
    assert {run: each["run_graph"] for run, each in info.items()} == {
        "graphs": True,
        "graphs/onnx": True,
    }
    assert list(info["graphs"]["tags"]) == ["step1"]


def test_a_torch_model(board: Board) -> None:
    nodes = {node.name: node for node in graph(board, "graphs").node}
    (relu,) = [node for node in nodes.values() if node.op == "aten::relu"]
    assert relu.name.startswith("Sequential/ReLU[1]/")
    (given,) = relu.input
    assert nodes[given].op == "aten::linear"
    (shape,) = relu.attr["_output_shapes"].list.shape
    assert [dim.size for dim in shape.dim] == [1, 3]


def test_an_onnx_file(board: Board) -> None:
    ops = {node.op: list(node.input) for node in graph(board, "graphs/onnx").node}
    assert ops["Relu"] == ["x"]
