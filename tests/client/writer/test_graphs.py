"""``add_graph`` and ``add_onnx_graph``: the records of a call. (tests/parity has what is shown.)"""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from onnx import helper
from torch import nn

from tbxd_client import SummaryWriter
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged, read_all
from tests.client.programs import run_program


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU())


def test_the_records_of_a_graph(writer: SummaryWriter, logged: Logged) -> None:
    """No warning either: who calls this cannot help that torch.jit is deprecated."""
    writer.add_graph(model(), torch.zeros(1, 2))
    graph, metadata = logged()
    assert graph[:3] == [Kind.GRAPH, "", None]
    assert graph[3] > 1.7e9
    name, op, inputs, attributes, device = graph[4][-1]
    assert (op, device) == ("aten::relu", "")
    assert name.startswith("Sequential/ReLU[1]/")
    assert inputs == ["Sequential/Linear[0]/input"]
    assert attributes == {"attr": ["s", "{}"], "_output_shapes": ["shapes", [[1, 3]]]}
    assert metadata[:3] == [Kind.RUN_METADATA, "step1", None]
    assert b"/device:CPU:0" in bytes(metadata[4].data)


class Constant(nn.Module):
    """It takes no input."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self) -> torch.Tensor:
        return self.weight * 2


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The input to trace is already a ScriptModule")
def test_a_graph_needs_an_input(writer: SummaryWriter, logged: Logged) -> None:
    with pytest.raises(RuntimeError, match="give add_graph an example of its input"):
        writer.add_graph(model())
    assert logged() == []
    with pytest.raises(RuntimeError, match=r"or \(\) for a model that takes none"):
        writer.add_graph(Constant())
    writer.add_graph(Constant(), ())
    # There is nothing to trace any more.
    writer.add_graph(torch.jit.script(model()))
    assert [record[0] for record in logged()] == 2 * [Kind.GRAPH, Kind.RUN_METADATA]


def test_defaults_of_use_metadata(writer: SummaryWriter, logged: Logged) -> None:
    with writer.use_metadata(global_step=7, walltime=5.0):
        writer.add_graph(model(), torch.zeros(1, 2))
    assert [record[2:4] for record in logged()] == [[7, 5.0], [7, 5.0]]


def test_nothing_is_printed_unless_asked_for(
    writer: SummaryWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.add_graph(model(), torch.zeros(1, 2))
    assert capsys.readouterr().out == ""
    writer.add_graph(model(), torch.zeros(1, 2), verbose=True)
    printed = capsys.readouterr().out
    assert printed.startswith("graph(")
    assert "aten::relu" in printed


def test_a_model_that_fails_is_put_back_too(writer: SummaryWriter, logged: Logged) -> None:
    found = model()
    found[1].eval()  # type: ignore[index]
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        writer.add_graph(found, torch.zeros(1, 5))
    assert [module.training for module in found.modules()] == [True, True, False]
    assert logged() == []


def save_onnx(path: Path) -> None:
    value = helper.make_tensor_value_info("x", 1, (2,))
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [value], [])
    onnx.save(helper.make_model(graph), path)


def test_the_record_of_an_onnx_graph(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_onnx(tmp_path / "model.onnx")
    writer.add_onnx_graph(tmp_path / "model.onnx")
    ((kind, tag, step, _, nodes),) = logged()
    assert (kind, tag, step) == (Kind.GRAPH, "", None)
    assert nodes == [
        ["x", "Variable", [], {"dtype": ["type", 1], "shape": ["shape", [2]]}, ""],
        ["y", "Neg", ["x"], {"parameters": ["s", ""]}, ""],
    ]
    assert capsys.readouterr().out == ""


def test_an_onnx_graph_needs_a_file(writer: SummaryWriter, logged: Logged) -> None:
    with pytest.raises(TypeError, match="needs the path of an ONNX file"):
        writer.add_onnx_graph()
    assert logged() == []


def test_without_a_disk(run: str, runtime_directory: str, tmp_path: Path) -> None:
    writer = SummaryWriter(run, write_to_disk=False)
    save_onnx(tmp_path / "model.onnx")
    writer.add_graph(model(), torch.zeros(1, 2))
    writer.add_onnx_graph(tmp_path / "model.onnx")
    with pytest.raises(AttributeError):
        writer.add_graph("model")
    assert read_all(runtime_directory) == []


def test_tensorboard_is_not_needed(runtime_directory: str) -> None:
    """Nor protobuf: what is traced are plain values."""
    program = """
    import sys
    import torch
    from tbxd_client import trace
    before = set(sys.modules)
    assert len(trace.nodes(torch.nn.Linear(2, 3), torch.zeros(1, 2))) == 5
    names = {name.partition(".")[0] for name in set(sys.modules) - before}
    print(sorted(names & {"tensorboard", "tensorboardX", "google", "tbxd"}))
    """
    assert run_program(program) == "[]\n"
