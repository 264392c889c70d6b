"""Writes the golden files that are not there yet: ``python -m tests.wire.golden.make``.

A golden file is written once, by the release that introduces its format, and never edited: it is
what the journals on somebody's disk look like. A new version of a format, or a new kind, gets a
file of its own beside the old ones.
"""

from __future__ import annotations

from pathlib import Path

import numpy

from tbxd_client.arrays import source
from tbxd_wire import frame, messages, records, segment
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind, ScalarForm
from tbxd_wire.limits import SEGMENT_HEAD_BYTES
from tests.tbxd.encode.making import body_of

SESSION = bytes(range(16))


def _records() -> dict[str, bytes]:
    return {
        "scalar": records.pack((records.SCALAR, "train/loss", 7, 1700000000.5, 0.25)),
        "scalar_of_form": records.encode(
            Kind.SCALAR,
            "train/loss",
            None,
            1.5,
            float("inf"),
            int(ScalarForm.DOUBLE_TENSOR),
            "Loss",
            "*the* loss",
        ),
        "scalar_group": records.encode(
            Kind.SCALAR_GROUP, "loss", -3, 1.5, {"train": 1.0, "eval": -2.0}
        ),
        "scalars": records.encode(Kind.SCALARS, "", 1 << 40, 1.5, {"a": 1.0, "b/ü": 2.0}),
        "text": records.encode(Kind.TEXT, "notes", 0, 1.5, "# Überschrift"),
        "session_start": records.encode(Kind.SESSION_START, "", 100, 1.5),
    }


def _records_of_later_kinds() -> dict[str, bytes]:
    """Kinds that came after the golden frames."""
    return {
        "hparams": records.encode(
            Kind.HPARAMS,
            "",
            5,
            1.5,
            "trial/7",
            {"rate": 0.1, "flag": True, "kind": "adam"},
            {"hp/loss": 0.5},
            {"kind": ["adam", "sgd"]},
        ),
        "custom_scalars": records.encode(
            Kind.CUSTOM_SCALARS,
            "",
            None,
            1.5,
            [
                ["first", [["lines", "Multiline", ["a/.*"]], ["band", "Margin", ["v", "l", "u"]]]],
                ["second", []],
            ],
        ),
        "graph": records.encode(
            Kind.GRAPH,
            "",
            None,
            1.5,
            [
                ["input/x", "IO Node", [], {"attr": ["s", ""], "dtype": ["type", 1]}, ""],
                [
                    "Net/Linear[a]/y",
                    "aten::linear",
                    ["input/x", "b:1"],
                    {
                        "attr": ["s", "{}"],
                        "_output_shapes": ["shapes", [[2, 3]]],
                        "shape": ["shape", []],
                    },
                    "/device:CPU:0",
                ],
            ],
        ),
    }


def _records_with_arrays() -> dict[str, bytes]:
    """Bodies of whole frames: lead, record, elements."""
    picture = source(numpy.arange(12, dtype=numpy.uint8).reshape(3, 2, 2))
    share = source(numpy.array([[0, 0.5]], numpy.float32))
    values = source(numpy.array([1, -2.5], numpy.float32))
    return {
        "histogram": body_of(Kind.HISTOGRAM, "w", values, "tensorflow", None, step=5),
        "histogram_of_bins": body_of(Kind.HISTOGRAM, "w", values, 30, 10, step=None),
        "histogram_of_edges": body_of(
            Kind.HISTOGRAM, "w", values, source(numpy.array([-3.0, 0, 3])), None, step=5
        ),
        "histogram_raw": body_of(
            Kind.HISTOGRAM_RAW,
            "w",
            *(-2.5, 1.0, 2.0, -1.5, 7.25),
            source(numpy.array([0.0, 3.0])),
            source(numpy.array([1.0, 1.0])),
            step=5,
        ),
        "parameter": body_of(
            Kind.PARAMETER, "gradients/w", source(numpy.array([[0.5]], numpy.float16)), step=5
        ),
        "tensor": body_of(
            Kind.TENSOR, "z", source(numpy.array([[1 + 2j]], numpy.complex64)), step=5
        ),
        "pr_curve": body_of(
            Kind.PR_CURVE,
            "pr",
            source(numpy.array([True, False])),
            source(numpy.array([0.5, 0.25], numpy.float32)),
            127,
            None,
            step=5,
        ),
        "pr_curve_of_weights": body_of(
            Kind.PR_CURVE,
            "pr",
            source(numpy.array([1], numpy.int8)),
            source(numpy.array([0.5])),
            5,
            source(2.0),
            step=5,
        ),
        "pr_curve_raw": body_of(
            Kind.PR_CURVE_RAW, "pr", source(numpy.arange(6.0).reshape(6, 1)), step=5
        ),
        "audio": body_of(
            Kind.AUDIO,
            "sound",
            source(numpy.array([[0, 1], [-2, 3]], numpy.int16)),
            8000,
            step=5,
        ),
        "mesh": body_of(
            Kind.MESH,
            "ball",
            source(numpy.array([[[0, 1, -0.5], [2, 3, 4]]], numpy.float32)),
            source(numpy.array([[[0, 1, 2], [3, 4, 255]]], numpy.uint8)),
            source(numpy.array([[[0, 1, 0]]], numpy.int32)),
            '{"camera": {}}',
            step=5,
        ),
        "mesh_of_points": body_of(
            Kind.MESH,
            "ball",
            source(numpy.array([[[0, 1, -0.5]]], numpy.float64)),
            None,
            None,
            "{}",
            step=None,
        ),
        "surface": body_of(
            Kind.SURFACE,
            "hill",
            source(numpy.array([0, 1], numpy.float32)),
            source(numpy.array([[2, 2], [3, 3]], numpy.int8)),
            source(numpy.array([[0, 1], [2, -0.5]], numpy.float32)),
            step=5,
        ),
        "graph_def": body_of(Kind.GRAPH_DEF, "", _row(b"\x0a\x03\x0a\x01a"), step=None),
        "run_metadata": body_of(Kind.RUN_METADATA, "step1", _row(b"\x0a\x00"), step=None),
        "summary": body_of(Kind.SUMMARY, "", _row(b"\x0a\x03\x0a\x01a"), step=5),
        "event": body_of(Kind.EVENT, "", _row(b"\x10\x07\x2a\x05\x0a\x03\x0a\x01a"), step=None),
        "embedding": body_of(
            Kind.EMBEDDING,
            "layer/1",
            source(numpy.array([[0, 1, 2], [3, 4, -0.5]], numpy.float32)),
            [["a", "1"], ["b", "é"]],
            ["word", "number"],
            source(numpy.array([0, 64, 128, 255], numpy.uint8).reshape(2, 1, 2, 1)),
            step=5,
        ),
        "image": body_of(Kind.IMAGE, "cat", picture, "CHW", step=5),
        "image_list": body_of(Kind.IMAGE, "cats", [share, share], "HW", step=None),
        "image_boxes": body_of(
            Kind.IMAGE_BOXES,
            "cat",
            picture,
            "CHW",
            source(numpy.array([[0, 0, 1, 1.5]])),
            ["é"],
            2.0,
            step=5,
        ),
        "video": body_of(
            Kind.VIDEO,
            "cats",
            source(numpy.array([0, 255], numpy.uint8).reshape(1, 2, 1, 1, 1)),
            "NTCHW",
            4.0,
            step=5,
        ),
        "curve": body_of(
            Kind.CURVE,
            "roc",
            source(numpy.array([0, 1], numpy.float32)),
            source(numpy.array([0, 0.5], numpy.float64)),
            "ROC",
            step=5,
        ),
        "heatmap": body_of(
            Kind.HEATMAP,
            "confusion",
            source(numpy.array([[1, 2]], numpy.int16)),
            ["no"],
            None,
            True,
            ["true", "predicted"],
            step=5,
        ),
    }


def _row(data: bytes) -> Source:
    return source(numpy.frombuffer(data, numpy.uint8))


def _files() -> dict[str, bytes]:
    bodies = _records()
    files = {f"record-{name}-1.bin": body for name, body in bodies.items()}
    for more in (_records_of_later_kinds(), _records_with_arrays()):
        files |= {f"record-{name}-1.bin": body for name, body in more.items()}
    frames = b"".join(map(frame.encode, bodies.values()))
    files["frames-1.bin"] = frames
    hello = messages.Hello(
        session=SESSION,
        oldest=1,
        newest=1,
        position=0,
        known=False,
        run="/runs/first",
        role="rank1/worker0",
        pid=4711,
        host="node7",
        suffix=".a",
        job="job-1",
        started=1700000000.25,
    )
    (head,) = messages.encode(hello)
    files["hello-1.bin"] = bytes(head)
    buffer = bytearray(SEGMENT_HEAD_BYTES) + frames
    view = memoryview(buffer)
    segment.write_head(view, SESSION, 1000, bytes(head))
    words = segment.words(view)
    words[segment.USED] = len(frames)
    words[segment.RELEASED] = 1040
    words[segment.SHED] = 3
    words[segment.ENDED] = 1
    words[segment.KNOWN] = 1
    files["segment-1.bin"] = bytes(buffer)
    return files


if __name__ == "__main__":
    for name, content in _files().items():
        path = Path(__file__).with_name(name)
        if not path.exists():
            path.write_bytes(content)
            print(f"wrote {name}")
