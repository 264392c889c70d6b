from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from tbxd_client.figure import pixels_of

from .programs import run_program


def test_pixels() -> None:
    figure = Figure(figsize=(3, 2), dpi=50, facecolor="red")
    pixels = pixels_of(figure)
    assert (pixels.dtype, pixels.shape) == (np.dtype(np.uint8), (100, 150, 3))
    assert (pixels == (255, 0, 0)).all()


def test_the_figure_keeps_the_canvas_that_shows_it() -> None:
    figure = Figure(figsize=(3, 2))
    canvas = FigureCanvasSVG(figure)
    pixels_of(figure)
    assert figure.canvas is canvas
    assert canvas.figure is figure


def test_pixels_stay_when_the_figure_is_drawn_again() -> None:
    figure = Figure(figsize=(3, 2), facecolor="red")
    pixels = pixels_of(figure)
    figure.set_facecolor("blue")
    pixels_of(figure)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    assert (pixels == (255, 0, 0)).all()


def test_neither_pyplot_nor_a_backend_is_chosen() -> None:
    program = """
    import sys
    from tbxd_client import figure
    assert "matplotlib" not in sys.modules
    from matplotlib.figure import Figure
    import matplotlib
    drawn = Figure(figsize=(2, 1))
    before = dict.__getitem__(matplotlib.rcParams, "backend")
    figure.pixels_of(drawn)
    figure.close(drawn)
    assert "matplotlib.pyplot" not in sys.modules
    assert dict.__getitem__(matplotlib.rcParams, "backend") is before
    """
    assert run_program(program) == ""
