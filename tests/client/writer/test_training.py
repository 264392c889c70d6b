"""Gradients, parameters and optimizers: the records of a call, what becomes of them, mistakes."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from tbxd.encode import encode
from tbxd.proto.event_pb2 import Event
from tbxd_client import SummaryWriter
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged


def model_of(**parameters: Any) -> Any:
    """Return something with named parameters that is no module."""
    return SimpleNamespace(named_parameters=lambda: parameters.items())


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1, bias=False))
    network(torch.randn(5, 3)).pow(2).sum().backward()
    return network


@pytest.mark.parametrize("what", ["gradients", "parameters"])
def test_a_record_for_each_tensor(
    what: str, model: nn.Module, writer: SummaryWriter, logged: Logged
) -> None:
    getattr(writer, f"add_{what}")(model, 7)
    records = logged()
    assert [record[1] for record in records] == [
        f"{what}/0.weight",
        f"{what}/0.bias",
        f"{what}/2.weight",
    ]
    assert {(record[0], record[2]) for record in records} == {(Kind.PARAMETER, 7)}
    # All of one call are of one time.
    assert len({record[3] for record in records}) == 1
    for record, parameter in zip(records, model.parameters(), strict=True):
        tensor = parameter.grad if what == "gradients" else parameter
        assert tensor is not None
        ((place, data),) = encode(record)
        assert place == ""
        histogram, norm = Event.FromString(data).summary.value
        assert (histogram.tag, norm.tag) == (record[1], f"{record[1]}/norm")
        assert histogram.histo.num == sum(histogram.histo.bucket) == tensor.numel()
        assert histogram.histo.min == tensor.min()
        assert norm.simple_value == pytest.approx(tensor.norm().item(), rel=1e-6)


def test_what_is_not_there_is_passed_over(writer: SummaryWriter, logged: Logged) -> None:
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    used.grad = torch.ones(2)
    lazy: Any = nn.LazyLinear(3)
    writer.add_gradients(model_of(used=used, unused=unused, empty=torch.zeros(0)))
    writer.add_parameters(model_of(empty=torch.zeros(2, 0), used=used))
    writer.add_parameters(lazy)
    writer.add_gradients(lazy)
    writer.add_gradients(model_of())
    assert [record[1] for record in logged()] == ["gradients/used", "parameters/used"]


def test_a_sparse_gradient_is_the_elements_it_has(writer: SummaryWriter, logged: Logged) -> None:
    embedding = nn.Embedding(10, 2, sparse=True)
    embedding(torch.tensor([3, 3, 5])).sum().backward()
    writer.add_gradients(embedding, 1)
    (record,) = logged()
    assert record[4].shape == (2, 2)
    norm = Event.FromString(encode(record)[0][1]).summary.value[1].simple_value
    # Row 3 was used twice.
    assert norm == pytest.approx(math.sqrt(2 * 2**2 + 2 * 1**2))


def test_a_distributed_tensor_is_the_part_that_is_here(
    writer: SummaryWriter, logged: Logged
) -> None:
    shard = SimpleNamespace(to_local=lambda: torch.ones(3), grad=None)
    writer.add_parameters(model_of(weight=shard))
    ((*_, values),) = logged()
    assert values.shape == (3,)


def test_times_and_steps(model: nn.Module, writer: SummaryWriter, logged: Logged) -> None:
    writer.add_gradients(model, "8", 2.5)
    with writer.use_metadata(global_step=4, walltime=3.5):
        writer.add_parameters(model)
        writer.add_optimizer(torch.optim.SGD(model.parameters(), lr=1.0))
    assert {tuple(record[2:4]) for record in logged()} == {(8, 2.5), (4, 3.5)}


def test_the_settings_of_an_optimizer(
    model: nn.Sequential, writer: SummaryWriter, logged: Logged
) -> None:
    groups: list[dict[str, Any]] = [
        {"params": model[0].parameters(), "lr": 0.5, "weight_decay": 0.25},
        {"params": model[2].parameters(), "betas": (0.5, 0.75)},
    ]
    writer.add_optimizer(torch.optim.AdamW(groups, lr=torch.tensor(0.125)), 7, 2.5)
    writer.add_optimizer(torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.5), 8, 2.5)
    first, second = logged()
    assert first[:4] == [Kind.SCALARS, "", 7, 2.5]
    assert first[4] == {
        "optimizer/group0/lr": 0.5,
        "optimizer/group0/weight_decay": 0.25,
        "optimizer/group0/beta1": pytest.approx(0.9),
        "optimizer/group0/beta2": pytest.approx(0.999),
        "optimizer/group1/lr": 0.125,
        "optimizer/group1/weight_decay": 0.01,
        "optimizer/group1/beta1": 0.5,
        "optimizer/group1/beta2": 0.75,
    }
    assert second[4] == {
        "optimizer/group0/lr": 1.0,
        "optimizer/group0/momentum": 0.5,
        "optimizer/group0/weight_decay": 0.0,
    }


@pytest.mark.parametrize(
    ("name", "argument", "error"),
    [
        ("add_gradients", None, TypeError),
        ("add_parameters", torch.ones(3), TypeError),
        ("add_gradients", SimpleNamespace(named_parameters=3), TypeError),
        ("add_parameters", model_of(a=torch.ones(1), b=torch.ones(1) + 1j), TypeError),
        ("add_parameters", model_of(a=torch.ones(1), b="text"), TypeError),
        ("add_parameters", model_of(a=torch.ones(1), b=(1,)), NotImplementedError),
        ("add_optimizer", None, TypeError),
        ("add_optimizer", SimpleNamespace(param_groups=3), TypeError),
        ("add_optimizer", SimpleNamespace(param_groups=[3]), TypeError),
        ("add_optimizer", SimpleNamespace(param_groups=[{"lr": "a"}]), TypeError),
        ("add_optimizer", SimpleNamespace(param_groups=[{"lr": [1, 2]}]), AssertionError),
    ],
)
@pytest.mark.parametrize("write_to_disk", [True, False])
def test_a_mistake_is_raised_and_nothing_is_logged(
    run: str,
    logged: Logged,
    name: str,
    argument: Any,
    error: type[Exception],
    write_to_disk: bool,
) -> None:
    writer = SummaryWriter(run, write_to_disk=write_to_disk)
    with pytest.raises(error):
        getattr(writer, name)(argument, 1)
    assert logged() == []


@pytest.mark.parametrize("name", ["add_gradients", "add_parameters", "add_optimizer"])
@pytest.mark.parametrize("options", [{"step": "one"}, {"walltime": math.nan}])
def test_a_wrong_step_is_raised_and_nothing_is_logged(
    writer: SummaryWriter, logged: Logged, model: nn.Module, name: str, options: dict[str, Any]
) -> None:
    argument: Any = model
    if name == "add_optimizer":
        argument = torch.optim.SGD(model.parameters(), lr=1.0)
    with pytest.raises(ValueError, match=r"global_step|walltime|invalid"):
        getattr(writer, name)(argument, **options)
    assert logged() == []
