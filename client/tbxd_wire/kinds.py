"""The kinds of record. Imports nothing of ours.

A number, once released, keeps its meaning for ever and is never re-used: journals outlive the
code that wrote them. A reader skips and counts a kind that it does not know.
"""

from __future__ import annotations

import enum


@enum.unique
class Kind(enum.IntEnum):
    """What a record holds; :mod:`tbxd_wire.records` says how."""

    SCALAR = 1
    """One value under one tag."""
    SCALAR_GROUP = 2
    """Values under one tag, each in a sub-run of its own (``add_scalars``)."""
    SCALARS = 3
    """Values under many tags in one event (``log``)."""
    TEXT = 4
    """A piece of Markdown."""
    SESSION_START = 5
    """The run goes on at a step: readers drop what they hold from that step on (``purge_step``)."""


@enum.unique
class ScalarForm(enum.IntEnum):
    """How a scalar is stored in its event."""

    SIMPLE = 0
    """``simple_value``, a float32: what both peers write by default."""
    FLOAT_TENSOR = 1
    """A DT_FLOAT tensor for the scalars plugin (torch's ``new_style``)."""
    DOUBLE_TENSOR = 2
    """A DT_DOUBLE tensor for the scalars plugin (torch's ``double_precision``)."""
