"""A torch model's graph as plain nodes: what must happen in the training process.

torch is imported here alone, and only when a model is traced. The nodes are those of a GRAPH record
(tbxd_wire.records); names, operations, inputs, attributes and shapes are the ones that
``torch.utils.tensorboard`` shows, so that graphs of before and after look alike.

How names come about: a module's scope is the path to it, a piece ``Class[attribute]`` for each
module on it, below the model's class; an operation is ``<scope>/<its value's name>``. What enters
and leaves the model is ``input/<name>`` and ``output/output.<number>``.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

NODE = list[Any]
"""One node: ``[name, op, [input, ...], {attribute: [form, value]}, device]``."""

_GET_ATTRIBUTE = "prim::GetAttr"
_MODULE = "ClassType"
_ROOT = "__module"
"""What torch calls the model itself in scopes, before the dots of the path to a module."""

_NO_TENSOR = [1]
"""The shape shown for what enters or leaves a model and is no tensor."""


def nodes(model: Any, inputs: Any, verbose: bool = False, strict: bool = True) -> list[NODE]:
    """Run ``model`` once on ``inputs`` and return the nodes of what it did.

    The model runs in evaluation mode; each of its modules is put back into the mode that it was in.

    Args:
        model: a ``torch.nn.Module``, or one that was scripted or traced.
        inputs: a tensor, or a tuple of the arguments of its ``forward``; None will do for a model
            that was scripted or traced.
        verbose: print torch's own text of the graph.
        strict: as ``torch.jit.trace`` has it; False allows outputs that are lists or dicts.

    Raises:
        ImportError: torch is not installed.
        AttributeError: ``model`` is no module.
        RuntimeError: it cannot be traced.
        Whatever the model itself raises on these inputs.
    """
    import torch

    with _evaluating(model), warnings.catch_warnings():
        # Who calls add_graph cannot trace any other way.
        warnings.filterwarnings("ignore", "`torch.jit.trace", DeprecationWarning)
        jit: Any = torch.jit
        if inputs is None and not isinstance(model, jit.ScriptModule):
            raise RuntimeError(
                "a model is traced by running it once: give add_graph an example of its input"
                " (input_to_model), or () for a model that takes none"
            )
        # Unchecked: the check traces the model again, to find out whether it does the same thing
        # twice. That matters to who runs what was traced, and costs as much as tracing.
        traced = jit.trace(model, inputs, strict=strict, check_trace=False)
    graph = traced.graph
    torch._C._jit_pass_inline(graph)
    if verbose:
        print(graph)
    return _Reading(traced).read(graph)


@contextlib.contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Put ``model`` into evaluation mode, and each of its modules back into its own."""
    training = bool(model.training)
    modes = [(module, bool(module.training)) for module in model.modules()]
    model.train(False)
    try:
        yield
    finally:
        model.train(training)
        for module, mode in modes:
            if module.training is not mode:
                module.training = mode


class _Reading:
    """One way through a traced graph; ``traced`` knows what its modules are called."""

    def __init__(self, traced: Any) -> None:
        self._base = _class_name(traced)
        self._labels = {
            path: f"{_class_name(module)}[{path.rpartition('.')[2]}]"
            for path, module in traced.named_modules(prefix=_ROOT)
        }
        self._scopes: dict[str, str] = {}
        """The scope, in torch's words, of each value that is an attribute of a module."""

    def read(self, graph: Any) -> list[NODE]:
        """Return inputs, outputs and operations, in this order."""
        operations = [(self._scope(node), node) for node in graph.nodes() if self._shown(node)]
        names: dict[str, str] = {}
        # What no node makes (the model, its modules) is named after who uses it last.
        for scope, node in operations:
            for value in node.inputs():
                names[value.debugName()] = f"{scope}/{value.debugName()}"
        entering = [value for value in graph.inputs() if value.uses() and not _is_module(value)]
        for value in entering:
            names[value.debugName()] = f"input/{value.debugName()}"
        for scope, node in operations:
            for value in node.outputs():
                names[value.debugName()] = f"{scope}/{value.debugName()}"
        found = [
            _node(names[value.debugName()], "IO Node", [], _extents(value)) for value in entering
        ]
        for number, value in enumerate(graph.outputs(), start=1):
            inputs = [names.get(value.debugName(), value.debugName())]
            found.append(_node(f"output/output.{number}", "IO Node", inputs, _extents(value)))
        for _, node in operations:
            inputs = [names[value.debugName()] for value in node.inputs()]
            attributes = _attributes(node)
            for value in node.outputs():
                shape = value.type().sizes() if value.isCompleteTensor() else None
                name = names[value.debugName()]
                found.append(_node(name, node.kind(), inputs, shape, attributes))
        return found

    def _shown(self, node: Any) -> bool:
        """Return whether a node is one of the picture; remember the place of an attribute."""
        if node.kind() != _GET_ATTRIBUTE:
            return True
        parent = self._scopes.get(node.input().debugName(), "")
        above = parent.rpartition("/")[2] or _ROOT
        scope = f"{parent}/{above}.{node.s('name')}".removeprefix("/")
        self._scopes[node.output().debugName()] = scope
        return not _is_module(node.output())

    def _scope(self, node: Any) -> str:
        """Return the scope of a node in the words of the picture."""
        if node.kind() == _GET_ATTRIBUTE:
            scope = self._scopes[node.output().debugName()]
        else:
            scope = node.scopeName()
        pieces = [self._labels.get(piece, piece.rpartition(".")[2]) for piece in scope.split("/")]
        return "/".join([self._base, *pieces]) if any(pieces) else self._base


def _class_name(module: Any) -> str:
    return str(getattr(module, "original_name", "Module"))


def _is_module(value: Any) -> bool:
    return bool(value.type().kind() == _MODULE)


def _extents(value: Any) -> list[int] | None:
    """Return the shape of what enters or leaves the model; None if torch does not know it."""
    try:
        sizes: list[int] | None = value.type().sizes()
    except RuntimeError:
        return _NO_TENSOR
    return sizes


def _attributes(node: Any) -> str:
    """Return the attributes of an operation as one text."""
    values = {name: getattr(node, node.kindOf(name))(name) for name in node.attributeNames()}
    # The peers do so, as TensorBoard stumbles over quotes.
    return str(values).replace("'", " ")


def _node(
    name: str, op: str, inputs: list[str], shape: list[int] | None, attributes: str = ""
) -> NODE:
    described: dict[str, list[Any]] = {"attr": ["s", attributes]}
    if shape is not None:
        described["_output_shapes"] = ["shapes", [list(shape)]]
    return [name, op, inputs, described, ""]
