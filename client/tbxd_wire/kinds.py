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
    HISTOGRAM = 6
    """The values of which the daemon makes a histogram."""
    HISTOGRAM_RAW = 7
    """A histogram as the caller has counted it."""
    PARAMETER = 8
    """The values of a tensor, for a histogram and its norm (``add_gradients``)."""
    IMAGE = 9
    """A picture, or several in a grid."""
    IMAGE_BOXES = 10
    """A picture with boxes drawn into it."""
    VIDEO = 11
    """Frames, for an animated GIF."""
    AUDIO = 12
    """Samples, for a WAV."""
    TENSOR = 13
    """An array, kept element by element."""
    PR_CURVE = 14
    """Labels and predictions, of which the daemon makes a precision-recall curve."""
    PR_CURVE_RAW = 15
    """A precision-recall curve as the caller has counted it."""
    MESH = 16
    """Points, with or without colours and faces."""
    SURFACE = 17
    """Heights over a grid, for a coloured mesh."""
    HPARAMS = 18
    """The hyperparameters of a session and its metrics."""
    CUSTOM_SCALARS = 19
    """The layout of charts that show several curves."""
    EMBEDDING = 20
    """Points of a space with labels, for the projector: files beside the event file."""
    GRAPH = 21
    """The nodes of a model's graph."""
    GRAPH_DEF = 22
    """A serialized GraphDef, as it is."""
    RUN_METADATA = 23
    """A serialized RunMetadata under a tag, as it is."""
    SUMMARY = 24
    """A serialized Summary, as it is."""
    EVENT = 25
    """A serialized Event, as it is."""
    CURVE = 26
    """Points of a curve, for a drawn plot and for whoever wants the numbers."""
    HEATMAP = 27
    """A matrix, for a labelled heat map."""


@enum.unique
class ScalarForm(enum.IntEnum):
    """How a scalar is stored in its event."""

    SIMPLE = 0
    """``simple_value``, a float32: what both peers write by default."""
    FLOAT_TENSOR = 1
    """A DT_FLOAT tensor for the scalars plugin (torch's ``new_style``)."""
    DOUBLE_TENSOR = 2
    """A DT_DOUBLE tensor for the scalars plugin (torch's ``double_precision``)."""
