"""Figures of matplotlib as pixels: what must happen in the training process.

A figure is a graph of Python objects that the caller may change or close right afterwards, so it
is drawn in the call. Agg draws it into memory, whatever backend the user has chosen: that choice,
and the canvas that a window may hold, stay as they were.

matplotlib is imported when the first figure is drawn, and never pyplot: where nobody has imported
that, no figure is registered with it, and there is none to close.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy

INSTALL = "pip install 'tbxd[figures]'"


def pixels_of(figure: Any) -> numpy.ndarray[Any, Any]:
    """Return what a figure looks like: uint8 of shape (height, width, 3).

    The size is that of the figure in inches times its dpi. A transparent background is dropped, as
    both peers do.

    Raises:
        AttributeError: no figure (the peers' exception).
        ImportError: matplotlib is not installed.
        Whatever matplotlib raises when it draws this figure.
    """
    check(figure)
    agg = _agg()
    shown_by = figure.canvas
    try:
        # Making a canvas hangs it into the figure.
        canvas = agg.FigureCanvasAgg(figure)
        canvas.draw()
        pixels = numpy.asarray(canvas.buffer_rgba())
    finally:
        figure.set_canvas(shown_by)
    return pixels[:, :, :3]


def check(figure: Any) -> None:
    """Raise AttributeError if ``figure`` is none."""
    if not callable(getattr(figure, "set_canvas", None)):
        raise AttributeError(
            f"figure must be a figure of matplotlib, not {type(figure).__name__}"
            " (it has no attribute 'set_canvas')"
        )


def close(figure: Any) -> None:
    """Let pyplot forget a figure, if it knows it."""
    # Another thread may be importing it: then it knows no figures yet.
    if (close_known := getattr(sys.modules.get("matplotlib.pyplot"), "close", None)) is not None:
        close_known(figure)


def _agg() -> Any:
    """Return matplotlib's module that draws into memory."""
    try:
        from matplotlib.backends import backend_agg
    except ImportError as error:
        raise ImportError(f"add_figure needs matplotlib: {INSTALL} ({error})") from error
    return backend_agg
