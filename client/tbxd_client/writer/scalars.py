"""Numbers: one by one, in groups, several at once; and text."""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import Any

from tbxd_client import convert
from tbxd_wire import paths, records
from tbxd_wire.kinds import Kind, ScalarForm
from tbxd_wire.records import SCALAR, pack

from .core import Writer


class ScalarMethods(Writer):
    """``add_scalar``, ``add_scalars``, ``log`` and ``add_text``."""

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: Any = None,
        display_name: str = "",
        summary_description: str = "",
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Log one number.

        Args:
            tag: name of the curve; "/" groups curves.
            scalar_value: a number, or an array or tensor of any framework with one element.
                Stored as float32 unless both ``new_style`` and ``double_precision`` are given;
                NaN and infinities are logged; what is masked is NaN.
            global_step: int64; floats are truncated, numeric strings and one-element arrays taken.
            walltime: seconds since 1970; default now.
            display_name: shown by TensorBoard instead of the tag.
            summary_description: Markdown shown with the curve.
            new_style: store a tensor for TensorBoard's scalars plugin instead of a simple value.
            double_precision: with ``new_style``, store a float64. (TensorBoard 2.21 shows such
                curves with ``--load_fast=false`` alone.)

        Raises:
            AssertionError: more or less than one element.
            OverflowError: an int beyond a float64, an infinite step.
            TypeError, NotImplementedError: no number.
            ValueError: a step outside int64, a wall time that is not finite.
        """
        if type(tag) is not str:
            tag = convert.tag(tag)
        if type(scalar_value) is not float:
            scalar_value = convert.scalar(scalar_value)
        # Shifted by 63 bits a negative int64 is -1, and what is beyond one is no 0 either.
        if type(global_step) is not int or global_step >> 63:
            global_step = self._step(global_step)
        if walltime is None and self._default_wall_time is None:
            walltime = time()
        else:
            walltime = self._wall_time(walltime)
        if display_name or summary_description or new_style or double_precision:
            form = ScalarForm.SIMPLE
            if new_style:
                form = ScalarForm.DOUBLE_TENSOR if double_precision else ScalarForm.FLOAT_TENSOR
            names = (convert.tag(display_name), convert.tag(summary_description))
            body = records.encode(
                Kind.SCALAR, tag, global_step, walltime, scalar_value, form, *names
            )
        else:
            body = pack((SCALAR, tag, global_step, walltime, scalar_value))
        append = self._recorder.append
        if not append(body):
            self._recorder.refused(append, body)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: Any = None,
    ) -> None:
        """Log several numbers as curves of one chart, each in a sub-run ``<main_tag>/<key>``.

        Args:
            main_tag: tag of the chart.
            tag_scalar_dict: ``{key: number}``, numbers as in :meth:`add_scalar`.
            global_step, walltime: as in :meth:`add_scalar`.

        Raises:
            ValueError: ``<main_tag>/<key>`` would lead out of the run directory.
            Otherwise as :meth:`add_scalar`.
        """
        main_tag = convert.tag(main_tag)
        values = convert.scalars(tag_scalar_dict)
        for key in values:
            paths.safe_relative(f"{main_tag}/{key}")
        self._post(Kind.SCALAR_GROUP, main_tag, global_step, walltime, values)

    def log(self, values: Mapping[str, Any], step: Any = None, walltime: Any = None) -> None:
        """Log numbers under several tags at once: one record, one event.

        Args:
            values: ``{tag: number}``, numbers as in :meth:`add_scalar`.
            step, walltime: as in :meth:`add_scalar`.

        Raises:
            As :meth:`add_scalar`; if any value is wrong, none is logged.
        """
        self._post(Kind.SCALARS, "", step, walltime, convert.scalars(values))

    def add_text(
        self, tag: str, text_string: str, global_step: Any = None, walltime: Any = None
    ) -> None:
        """Log a piece of Markdown.

        Raises:
            AttributeError: ``text_string`` is no str (the peers' exception).
            Otherwise as :meth:`add_scalar`.
        """
        tag = convert.tag(tag)
        if not isinstance(text_string, str):
            raise AttributeError(
                f"text_string must be a str, not {type(text_string).__name__}"
                " (it has no attribute 'encode' to make UTF-8 with)"
            )
        self._post(Kind.TEXT, tag, global_step, walltime, convert.plain(text_string))
