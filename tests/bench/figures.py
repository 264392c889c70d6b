"""The shape of what a measurement returns. Imports nothing of ours."""

from __future__ import annotations

Figures = dict[str, float]
"""Figures of one measurement of one backend in one round, by name; the name ends with the unit."""

BOUND_SUFFIX = "_is_bound"
"""Behind a figure's name: 1 where the figure is only a lower bound, else 0 or absent."""

LOGGED_TAG = "train/loss"
"""The one tag of every measurement that logs only one."""

LOGGED_VALUE = 0.25
"""Any float: no backend looks at it."""
