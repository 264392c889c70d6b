"""Files as earlier releases wrote them: they must be readable for ever.

The bytes in ``golden/`` are never edited; if one of these tests fails, the code has broken the
format, and the journals that lie on somebody's disk with it.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest

from tbxd_wire import frame, messages, records, segment
from tbxd_wire.arrays import Array

GOLDEN = Path(__file__).parent / "golden"
SESSION = bytes(range(16))

WALL_TIME = 1700000000.25


def row(data: bytes) -> Array:
    """Return serialized bytes as they come out of a record."""
    return Array("uint8", (len(data),), memoryview(data))


RECORDS: dict[str, list[object]] = {
    "scalar": [1, "train/loss", 7, 1700000000.5, 0.25],
    "scalar_of_form": [1, "train/loss", None, 1.5, math.inf, 2, "Loss", "*the* loss"],
    "scalar_group": [2, "loss", -3, 1.5, {"train": 1.0, "eval": -2.0}],
    "scalars": [3, "", 1 << 40, 1.5, {"a": 1.0, "b/ü": 2.0}],
    "text": [4, "notes", 0, 1.5, "# Überschrift"],
    "session_start": [5, "", 100, 1.5],
}
PICTURE = Array("uint8", (3, 2, 2), memoryview(bytes(range(12))))
SHARE = Array("float32", (1, 2), memoryview(struct.pack("<2f", 0, 0.5)))
LATER_KINDS: dict[str, list[object]] = {
    "hparams": [
        *(18, "", 5, 1.5),
        "trial/7",
        {"rate": 0.1, "flag": True, "kind": "adam"},
        {"hp/loss": 0.5},
        {"kind": ["adam", "sgd"]},
    ],
    "custom_scalars": [
        *(19, "", None, 1.5),
        [
            ["first", [["lines", "Multiline", ["a/.*"]], ["band", "Margin", ["v", "l", "u"]]]],
            ["second", []],
        ],
    ],
    "graph": [
        *(21, "", None, 1.5),
        [
            ["input/x", "IO Node", [], {"attr": ["s", ""], "dtype": ["type", 1]}, ""],
            [
                *("Net/Linear[a]/y", "aten::linear", ["input/x", "b:1"]),
                {
                    "attr": ["s", "{}"],
                    "_output_shapes": ["shapes", [[2, 3]]],
                    "shape": ["shape", []],
                },
                "/device:CPU:0",
            ],
        ],
    ],
}
"""Those that came after the golden frames."""
VALUES = Array("float32", (2,), memoryview(struct.pack("<2f", 1, -2.5)))
WITH_ARRAYS: dict[str, list[object]] = {
    "histogram": [6, "w", 5, 1700000000.25, VALUES, "tensorflow", None],
    "histogram_of_bins": [6, "w", None, 1700000000.25, VALUES, 30, 10],
    "histogram_of_edges": [
        *(6, "w", 5, 1700000000.25, VALUES),
        Array("float64", (3,), memoryview(struct.pack("<3d", -3, 0, 3))),
        None,
    ],
    "histogram_raw": [
        *(7, "w", 5, 1700000000.25),
        *(-2.5, 1.0, 2.0, -1.5, 7.25),
        Array("float64", (2,), memoryview(struct.pack("<2d", 0, 3))),
        Array("float64", (2,), memoryview(struct.pack("<2d", 1, 1))),
    ],
    "parameter": [
        *(8, "gradients/w", 5, 1700000000.25),
        Array("float16", (1, 1), memoryview(struct.pack("<e", 0.5))),
    ],
    "tensor": [
        *(13, "z", 5, 1700000000.25),
        Array("complex64", (1, 1), memoryview(struct.pack("<2f", 1, 2))),
    ],
    "pr_curve": [
        *(14, "pr", 5, 1700000000.25),
        Array("bool", (2,), memoryview(b"\x01\x00")),
        Array("float32", (2,), memoryview(struct.pack("<2f", 0.5, 0.25))),
        *(127, None),
    ],
    "pr_curve_of_weights": [
        *(14, "pr", 5, 1700000000.25),
        Array("int8", (1,), memoryview(b"\x01")),
        Array("float64", (1,), memoryview(struct.pack("<d", 0.5))),
        5,
        Array("float64", (), memoryview(struct.pack("<d", 2))),
    ],
    "pr_curve_raw": [
        *(15, "pr", 5, 1700000000.25),
        Array("float64", (6, 1), memoryview(struct.pack("<6d", 0, 1, 2, 3, 4, 5))),
    ],
    "audio": [
        *(12, "sound", 5, 1700000000.25),
        Array("int16", (2, 2), memoryview(struct.pack("<4h", 0, 1, -2, 3))),
        8000,
    ],
    "mesh": [
        *(16, "ball", 5, 1700000000.25),
        Array("float32", (1, 2, 3), memoryview(struct.pack("<6f", 0, 1, -0.5, 2, 3, 4))),
        Array("uint8", (1, 2, 3), memoryview(b"\x00\x01\x02\x03\x04\xff")),
        Array("int32", (1, 1, 3), memoryview(struct.pack("<3i", 0, 1, 0))),
        '{"camera": {}}',
    ],
    "mesh_of_points": [
        *(16, "ball", None, 1700000000.25),
        Array("float64", (1, 1, 3), memoryview(struct.pack("<3d", 0, 1, -0.5))),
        *(None, None, "{}"),
    ],
    "surface": [
        *(17, "hill", 5, 1700000000.25),
        Array("float32", (2,), memoryview(struct.pack("<2f", 0, 1))),
        Array("int8", (2, 2), memoryview(b"\x02\x02\x03\x03")),
        Array("float32", (2, 2), memoryview(struct.pack("<4f", 0, 1, 2, -0.5))),
    ],
    "graph_def": [*(22, "", None, WALL_TIME), row(b"\x0a\x03\x0a\x01a")],
    "run_metadata": [*(23, "step1", None, WALL_TIME), row(b"\x0a\x00")],
    "summary": [*(24, "", 5, WALL_TIME), row(b"\x0a\x03\x0a\x01a")],
    "event": [*(25, "", None, WALL_TIME), row(b"\x10\x07\x2a\x05\x0a\x03\x0a\x01a")],
    "embedding": [
        *(20, "layer/1", 5, 1700000000.25),
        Array("float32", (2, 3), memoryview(struct.pack("<6f", 0, 1, 2, 3, 4, -0.5))),
        [["a", "1"], ["b", "é"]],
        ["word", "number"],
        Array("uint8", (2, 1, 2, 1), memoryview(b"\x00\x40\x80\xff")),
    ],
    "image": [9, "cat", 5, 1700000000.25, PICTURE, "CHW"],
    "image_list": [9, "cats", None, 1700000000.25, [SHARE, SHARE], "HW"],
    "image_boxes": [
        *(10, "cat", 5, 1700000000.25, PICTURE, "CHW"),
        Array("float64", (1, 4), memoryview(struct.pack("<4d", 0, 0, 1, 1.5))),
        ["é"],
        2.0,
    ],
    "video": [
        *(11, "cats", 5, 1700000000.25),
        Array("uint8", (1, 2, 1, 1, 1), memoryview(b"\x00\xff")),
        "NTCHW",
        4.0,
    ],
    "curve": [
        *(26, "roc", 5, 1700000000.25),
        Array("float32", (2,), memoryview(struct.pack("<2f", 0, 1))),
        Array("float64", (2,), memoryview(struct.pack("<2d", 0, 0.5))),
        "ROC",
    ],
    "heatmap": [
        *(27, "confusion", 5, 1700000000.25),
        Array("int16", (1, 2), memoryview(struct.pack("<2h", 1, 2))),
        ["no"],
        None,
        True,
        ["true", "predicted"],
    ],
}
"""Bodies of whole frames: what lies in a journal behind the header."""
ALL = RECORDS | LATER_KINDS | WITH_ARRAYS
HELLO = messages.Hello(
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


def read(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", ALL)
def test_record(name: str) -> None:
    assert records.decode(read(f"record-{name}-1.bin")) == ALL[name]


@pytest.mark.parametrize("name", WITH_ARRAYS)
def test_record_with_arrays(name: str) -> None:
    assert records.decode(read(f"record-{name}-1.bin")) == WITH_ARRAYS[name]


def test_frames() -> None:
    content = read("frames-1.bin")
    found = [(end, records.decode(body)) for end, body in frame.walk(content)]
    assert [record for _, record in found] == list(RECORDS.values())
    assert found[-1][0] == frame.whole(content) == len(content)


def test_hello() -> None:
    assert messages.decode([read("hello-1.bin")]) == HELLO


def test_segment() -> None:
    content = read("segment-1.bin")
    head = segment.read_head(content)
    assert (head.session, head.base, head.released, head.shed) == (SESSION, 1000, 1040, 3)
    assert head.ended
    assert head.known
    assert messages.decode([head.hello]) == HELLO
    frames, unreadable = segment.salvage(content, head)
    assert bytes(frames) == read("frames-1.bin")
    assert unreadable == 0


def test_every_golden_file_is_read_by_a_test() -> None:
    expected = {"frames-1.bin", "hello-1.bin", "segment-1.bin"}
    expected |= {f"record-{name}-1.bin" for name in ALL}
    assert {path.name for path in GOLDEN.glob("*.bin")} == expected
