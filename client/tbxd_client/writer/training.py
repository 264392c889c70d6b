"""What a training loop has at hand: the gradients and parameters of a model, an optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import time
from typing import Any

from tbxd_client import arrays, convert
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind

from .core import Writer

_SETTINGS = ("lr", "momentum", "weight_decay")


class TrainingMethods(Writer):
    """``add_gradients``, ``add_parameters`` and ``add_optimizer``."""

    def add_gradients(self, model: Any, step: Any = None, walltime: Any = None) -> None:
        """Log each gradient of a model: a histogram ``gradients/<name>``, and its Euclidean norm
        ``gradients/<name>/norm``.

        All the caller pays for is one copy of each; from a device, the wait for it.

        Args:
            model: has ``named_parameters()``. Parameters without a gradient are passed over, and
                so are empty ones. Of a sparse gradient the elements that it has are logged, of one
                that is distributed the part that is here.
            step, walltime: as in ``add_scalar``.

        Raises:
            TypeError: ``model`` has no ``named_parameters()``; complex gradients.
            ValueError: a step outside int64.
        """
        gradients = ((name, each.grad) for name, each in _named_parameters(model))
        self._post_each("gradients", gradients, step, walltime)

    def add_parameters(self, model: Any, step: Any = None, walltime: Any = None) -> None:
        """Log each parameter of a model: a histogram ``parameters/<name>``, and its Euclidean norm
        ``parameters/<name>/norm``.

        Args:
            model, step, walltime: as in :meth:`add_gradients`.

        Raises:
            As :meth:`add_gradients`.
        """
        self._post_each("parameters", _named_parameters(model), step, walltime)

    def add_optimizer(self, optimizer: Any, step: Any = None, walltime: Any = None) -> None:
        """Log the settings of an optimizer, as scalars ``optimizer/group<number>/<setting>``.

        They are, of each group and as far as it has them, ``lr``, ``momentum``, ``weight_decay``
        and ``betas`` (as ``beta1``, ``beta2``, ...).

        Args:
            optimizer: has ``param_groups``, a list of dictionaries.
            step, walltime: as in ``add_scalar``.

        Raises:
            TypeError: ``optimizer`` has no ``param_groups``.
            Otherwise as ``add_scalar``.
        """
        groups = getattr(optimizer, "param_groups", None)
        if not isinstance(groups, (list, tuple)):
            raise TypeError(
                f"optimizer must have a list param_groups, {type(optimizer).__name__} has none"
            )
        values = {}
        for number, group in enumerate(groups):
            if not isinstance(group, Mapping):
                raise TypeError(f"param_groups must be dictionaries, not {type(group).__name__}")
            settings = {name: group[name] for name in _SETTINGS if group.get(name) is not None}
            betas = group.get("betas")
            for index, beta in enumerate(() if betas is None else betas, 1):
                settings[f"beta{index}"] = beta
            for name, value in settings.items():
                values[f"optimizer/group{number}/{name}"] = convert.scalar(value)
        self._post(Kind.SCALARS, "", step, walltime, values)

    def _post_each(
        self, prefix: str, tensors: Iterable[tuple[str, Any]], step: Any, walltime: Any
    ) -> None:
        """Log a record for each tensor, all of one step and wall time, or none if one is wrong."""
        step = self._step(step)
        if walltime is None and self._default_wall_time is None:
            walltime = time()
        walltime = self._wall_time(walltime)
        checked = []
        for name, tensor in tensors:
            tag = convert.tag(f"{prefix}/{name}")
            source = _source(tensor, tag)
            if source is not None:
                checked.append((tag, source))
        for tag, source in checked:
            self._post_arrays(Kind.PARAMETER, tag, step, walltime, source)


def _named_parameters(model: Any) -> Iterable[tuple[str, Any]]:
    named_parameters = getattr(model, "named_parameters", None)
    if not callable(named_parameters):
        raise TypeError(
            f"model must have a method named_parameters, {type(model).__name__} has none"
        )
    found: Iterable[tuple[str, Any]] = named_parameters()
    return found


def _source(tensor: Any, tag: str) -> Source | None:
    """Return the elements of a tensor that are here; None if there are none."""
    if tensor is None or _is_lazy(tensor):
        return None
    if callable(to_local := getattr(tensor, "to_local", None)):
        tensor = to_local()
    if getattr(tensor, "is_sparse", False):
        tensor = tensor.detach().coalesce().values()
    source = arrays.source(tensor, tag)
    if source.dtype.startswith("complex"):
        raise TypeError(f"{tag} must be real numbers, not {source.dtype}")
    return None if 0 in source.shape else source


def _is_lazy(tensor: Any) -> bool:
    """Return whether it is one of torch's that gets its shape in the first forward pass."""
    return hasattr(tensor, "cls_to_become")
