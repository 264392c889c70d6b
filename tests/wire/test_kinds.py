"""Numbers that were released keep their meaning for ever: written out here a second time."""

from __future__ import annotations

from tbxd_wire import messages
from tbxd_wire.kinds import Kind, ScalarForm


def test_kind_numbers() -> None:
    assert {kind.name: int(kind) for kind in Kind} == {
        "SCALAR": 1,
        "SCALAR_GROUP": 2,
        "SCALARS": 3,
        "TEXT": 4,
        "SESSION_START": 5,
        "HISTOGRAM": 6,
        "HISTOGRAM_RAW": 7,
        "PARAMETER": 8,
        "IMAGE": 9,
        "IMAGE_BOXES": 10,
        "VIDEO": 11,
        "AUDIO": 12,
        "TENSOR": 13,
        "PR_CURVE": 14,
        "PR_CURVE_RAW": 15,
        "MESH": 16,
        "SURFACE": 17,
        "HPARAMS": 18,
        "CUSTOM_SCALARS": 19,
        "EMBEDDING": 20,
        "GRAPH": 21,
        "GRAPH_DEF": 22,
        "RUN_METADATA": 23,
        "SUMMARY": 24,
        "EVENT": 25,
        "CURVE": 26,
        "HEATMAP": 27,
    }


def test_scalar_form_numbers() -> None:
    assert {form.name: int(form) for form in ScalarForm} == {
        "SIMPLE": 0,
        "FLOAT_TENSOR": 1,
        "DOUBLE_TENSOR": 2,
    }


def test_message_numbers() -> None:
    assert set(messages.TYPES.values()) == set(messages.Message.__args__)
    assert {each.__name__: number for number, each in messages.TYPES.items()} == {
        "Hello": 1,
        "Welcome": 2,
        "Batch": 3,
        "Ack": 4,
        "Resync": 5,
        "Bye": 6,
        "Reject": 7,
        "Notice": 8,
        "Status": 9,
        "Report": 10,
        "Refused": 11,
    }
