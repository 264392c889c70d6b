"""What whole dashboards of TensorBoard are made of: hyperparameters, and layouts of charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import time
from typing import Any

from tbxd_client import convert, hparams
from tbxd_wire import paths
from tbxd_wire.kinds import Kind

from .core import Writer

_MARGIN_TAGS = 3
_CHARTS = {"multiline": "Multiline", "margin": "Margin"}

Layout = Mapping[str, Mapping[str, Sequence[Any]]]
"""``{category: {title: [type, tags]}}``."""


class DashboardMethods(Writer):
    """``add_hparams``, ``add_custom_scalars`` and its two short forms."""

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, list[Any]] | str | None = None,
        run_name: Any = None,
        global_step: Any = None,
        *,
        name: str | None = None,
    ) -> None:
        """Log a set of hyperparameters, and the metrics that came of them, as one session.

        A session is a run of its own below this one, because TensorBoard's table has a row for
        each run. With ``run_name="."`` it is this run itself, which makes no directory; a run has
        one session, so that a later one takes its place.

        Calls written for tensorboardX, which has ``(hparam_dict, metric_dict, name, global_step)``,
        mean what they mean there: a str in the third position is the name, a number in the fourth
        the step.

        Args:
            hparam_dict: ``{name: value}``. Values are bools, numbers or texts; None is left out,
                and what else there is becomes a text: see :mod:`tbxd_client.hparams`.
            metric_dict: ``{tag: number}``, numbers as in :meth:`add_scalar`. They are scalars of
                the session's run; a tag that nothing else has is best.
            hparam_domain_discrete: ``{name: list}`` of all values that a hyperparameter can have.
            run_name: path of the session's run below this one. Default: the time, in seconds.
            global_step: step of the metrics.
            name: the same as ``run_name``.

        Raises:
            TypeError: no mappings; a domain that is no list of the hyperparameter's own type; two
                names or two steps.
            ValueError: ``run_name`` would lead out of the run directory; a hyperparameter is an
                array of many elements; a domain is not finite.
            OverflowError: an int beyond a float64.
            Otherwise as :meth:`add_scalar`.
        """
        if isinstance(hparam_domain_discrete, str):
            name, hparam_domain_discrete = _only("name", hparam_domain_discrete, name), None
        if run_name is not None and not isinstance(run_name, str):
            global_step, run_name = _only("global_step", run_name, global_step), None
        sub_run = _only("name", run_name, name) or str(time())
        self._post(
            Kind.HPARAMS,
            "",
            global_step,
            None,
            "" if sub_run == "." else paths.safe_relative(convert.plain(sub_run)),
            hparams.parameters(hparam_dict),
            convert.scalars(metric_dict),
            hparams.domains(hparam_domain_discrete, hparam_dict),
        )

    def add_custom_scalars(self, layout: Layout) -> None:
        """Log which curves are shown together, as charts of TensorBoard's custom scalars.

        TensorBoard shows the layout of a run that was logged last.

        Args:
            layout: ``{category: {title: [type, tags]}}``. Of a ``"Multiline"`` chart every tag is a
                regular expression, and all curves that match are shown; a ``"Margin"`` chart has
                exactly three tags: the value, its lower and its upper bound.

        Raises:
            AttributeError: ``layout`` or a category of it is no mapping.
            AssertionError: a margin chart of more or less than three tags.
            IndexError: a chart without tags.
            TypeError: a title or tag that is no str, tags that are no list or tuple.
            ValueError: a chart of an unknown type.
        """
        self._post(Kind.CUSTOM_SCALARS, "", None, None, _categories(layout))

    def add_custom_scalars_multilinechart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """Log a layout of one chart that shows all curves of ``tags``.

        Args:
            tags: regular expressions.
            category, title: where the chart stands and what it is called.

        Raises:
            As :meth:`add_custom_scalars`.
        """
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """Log a layout of one chart that shows a curve between two others.

        Args:
            tags: three: the value, its lower and its upper bound.
            category, title: where the chart stands and what it is called.

        Raises:
            As :meth:`add_custom_scalars`.
        """
        self.add_custom_scalars({category: {title: ["Margin", tags]}})


def _only(name: str, first: Any, second: Any) -> Any:
    """Return whichever of two ways to say one thing is used."""
    if first is not None and second is not None:
        raise TypeError(f"add_hparams got two values of {name}: {first!r:.40} and {second!r:.40}")
    return second if first is None else first


def _categories(layout: Any) -> list[Any]:
    """Return a layout as its record has it."""
    return [
        [
            convert.tag(category),
            [[convert.tag(title), *_chart(chart)] for title, chart in _items(charts, "a category")],
        ]
        for category, charts in _items(layout, "a layout")
    ]


def _items(value: Any, name: str) -> Any:
    if not isinstance(value, Mapping):
        raise AttributeError(
            f"{name} must be a mapping, not {type(value).__name__} (it has no attribute 'items')"
        )
    return value.items()


def _chart(given: Any) -> tuple[str, list[str]]:
    """Return a chart's type and its tags."""
    if not isinstance(given, (list, tuple)):
        raise TypeError(f"a chart must be a list [type, tags], not {type(given).__name__}")
    if len(given) < 2:
        raise IndexError(f"a chart must be a list [type, tags], not {given!r:.60}")
    form, tags = given[:2]
    chart = _CHARTS.get(form.lower()) if isinstance(form, str) else None
    if chart is None:
        raise ValueError(f"a chart must be 'Multiline' or 'Margin', not {form!r:.40}")
    if not isinstance(tags, (list, tuple)):
        raise TypeError(f"the tags of a chart must be a list, not {type(tags).__name__}")
    if chart == "Margin" and len(tags) != _MARGIN_TAGS:
        raise AssertionError(f"a margin chart must have {_MARGIN_TAGS} tags, not {len(tags)}")
    return chart, [convert.tag(each) for each in tags]
