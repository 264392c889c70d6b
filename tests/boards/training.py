"""What is logged, by a writer and through a real daemon, for TensorBoard to show."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import onnx
import pytest
import torch
from onnx import helper

from tbxd_client import SummaryWriter
from tbxd_wire import places
from tests.ending import end_clients, end_daemon

HPARAMS = {"rate": 0.1, "flag": True, "kind": "adam", "sizes": [64, 64], "bad": float("nan")}
OTHER_HPARAMS = {"rate": 0.2, "flag": False, "kind": "sgd", "sizes": (8,), "seed": np.int64(3)}
METRIC = "hp/loss"

LAYOUT = {
    "Category": {
        "lines": ["Multiline", ["loss/.*"]],
        "band": ["Margin", ["mid", "low", "high"]],
    }
}

VERTICES = np.arange(24, dtype=np.float32).reshape(2, 4, 3) / 10
COLORS = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
FACES = np.array([[[0, 1, 2], [1, 2, 3]], [[3, 2, 1], [2, 1, 0]]], np.int32)
MESH_CONFIG = {"camera": {"cls": "PerspectiveCamera", "fov": 75}}
GRID = np.linspace(-2, 2, 20)
HEIGHTS = np.sinc(GRID[:, np.newaxis]) * np.cos(GRID)

SOUND = np.sin(np.arange(800) / 5).astype(np.float32)
STEREO = np.stack([SOUND, -SOUND], axis=1)

VALUES = np.array([-1.0, 0.0, 0.0, 2.0, 7.0])
LABELS = [1, 0, 1, 1]
SCORES = [0.25, 0.5, 0.75, 1.0]
ROWS = [[3, 2], [1, 0], [0, 1], [0, 1], [0.75, 1], [1, 0.5]]
ROWS_AND_STEP: tuple[Any, ...] = (*ROWS, 1)

PICTURE = (np.arange(3 * 8 * 12) % 251).astype(np.uint8).reshape(3, 8, 12)
FLOATS = np.linspace(0, 1, 8 * 12, dtype=np.float32).reshape(8, 12)
FRAMES = np.zeros((1, 5, 3, 16, 16), np.uint8)
FRAMES[0, np.arange(5), 0, :, np.arange(5)] = 255
"""A red line that moves to the right."""

MARKDOWN = "**bold** <script>\n\n| a | b |\n|---|---|\n| 1 | 2 |"


def log_hparams(run: Path) -> None:
    """Log three sessions: one of a run itself, and two below it."""
    with SummaryWriter(run) as writer:
        writer.add_hparams(HPARAMS, {METRIC: 1.5}, {"kind": ["adam", "sgd"]}, "first", 7)
        writer.add_hparams(OTHER_HPARAMS, {METRIC: 2.5}, run_name="deep/second")
        writer.add_hparams(OTHER_HPARAMS, {METRIC: 3.5}, run_name=".")


def log_custom_scalars(run: Path) -> None:
    """Log a layout, which takes the place of one before, and another run's."""
    with SummaryWriter(run) as writer:
        writer.add_custom_scalars_multilinechart(["never", "seen"])
        writer.add_custom_scalars(LAYOUT)
        for tag in ("loss/a", "loss/b", "mid", "low", "high"):
            writer.add_scalar(tag, 0.5, 1)
    with SummaryWriter(run / "other") as writer:
        writer.add_custom_scalars_marginchart(["mid", "low", "high"], "Other", "band")


def log_shapes(run: Path) -> None:
    """Log meshes and a surface, at two steps."""
    with SummaryWriter(run) as writer:
        for step in (1, 2):
            writer.add_mesh("ball", VERTICES * step, COLORS, FACES, MESH_CONFIG, step)
            writer.add_mesh("cloud", VERTICES, global_step=step)
            writer.add_surface("hill", GRID, GRID, HEIGHTS, step)


def log_audio(run: Path) -> None:
    """Log a sound at two steps, and a stereo one."""
    with SummaryWriter(run) as writer:
        writer.add_audio("sound", SOUND, 1, 8000)
        writer.add_audio("sound", SOUND / 2, 2, 8000)
        writer.add_audio("stereo", STEREO, 1)


def log_text(run: Path) -> None:
    """Log a text at two steps."""
    with SummaryWriter(run) as writer:
        writer.add_text("notes", "first", 1)
        writer.add_text("notes", MARKDOWN, 2)


def log_distributions(run: Path) -> None:
    """Log histograms that are ordinary, diverging, empty and raw, a model's, and curves."""
    model = torch.nn.Linear(3, 1, bias=False)
    model.weight.grad = torch.tensor([[3.0, 0.0, -4.0]])
    with SummaryWriter(run) as writer:
        writer.add_histogram("equal", VALUES, 1, bins=4)
        writer.add_histogram("default", VALUES, 1)
        writer.add_histogram("diverging", [1.0, -1e30, np.nan, np.inf, np.nan], 1)
        writer.add_histogram("empty", [np.nan], 1)
        writer.add_histogram_raw("raw", 0, 3, 7, 5, 9, [1, 2, 3], [0, 3, 4], 1)
        writer.add_gradients(model, 1)
        writer.add_tensor("tensor", VALUES, 1)
        writer.add_pr_curve("curve", LABELS, SCORES, 1, num_thresholds=3)
        writer.add_pr_curve_raw("raw curve", *ROWS_AND_STEP)


def log_pictures(run: Path) -> None:
    """Log a picture of every kind, one of them at two steps."""
    figure = matplotlib.figure.Figure(figsize=(2, 1), dpi=50, facecolor="red")
    with SummaryWriter(run) as writer:
        for step in (1, 2):
            writer.add_image("picture", PICTURE // step, step)
        writer.add_image("grey", FLOATS, 1, dataformats="HW")
        writer.add_images("pictures", np.stack([PICTURE] * 3), 1)
        writer.add_image_with_boxes("boxes", PICTURE * 0, [[2, 1, 9, 5]], 1)
        writer.add_figure("figure", figure, 1)
        writer.add_video("video", FRAMES, 1, fps=10)
        writer.add_curve("curve", GRID, np.sin(GRID), "sine", 1)
        writer.add_confusion_matrix("confusion", [[5, 1], [0, 4]], ["cat", "dog"], 1)
        writer.add_heatmap("heat", HEIGHTS, 1)


def log_graphs(run: Path) -> None:
    """Log the graph of a torch model, and below it that of an ONNX file."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    with SummaryWriter(run) as writer:
        writer.add_graph(model, torch.zeros(1, 2))
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in "xy"]
    nodes = [helper.make_node("Relu", ["x"], ["y"], name="clip")]
    path = run / "model.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "net", values[:1], values[1:])), path)
    with SummaryWriter(run / "onnx") as writer:
        writer.add_onnx_graph(path)


RUNS: dict[str, Callable[[Path], None]] = {
    "hparams": log_hparams,
    "custom_scalars": log_custom_scalars,
    "shapes": log_shapes,
    "distributions": log_distributions,
    "audio": log_audio,
    "text": log_text,
    "pictures": log_pictures,
    "graphs": log_graphs,
}


def log_everything(root: Path) -> None:
    """Log all of RUNS below ``root``; returns when it is in the event files."""
    directory = tempfile.mkdtemp(prefix="tbxd-")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(places.DIRECTORY_VARIABLE, directory)
        patch.setenv(places.AUTOSTART_VARIABLE, "1")
        try:
            for name, log in RUNS.items():
                log(root / name)
        finally:
            end_clients()
            end_daemon(directory)
            shutil.rmtree(directory, ignore_errors=True)
