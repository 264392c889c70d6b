"""PR_CURVE: labels and predictions, of which a precision-recall curve is made.

For each of evenly spaced thresholds, how many predictions at or above it are right and wrong, and
how many below it. The formulas are those of TensorBoard's own ``pr_curve/summary.py``, which both
peers use.
"""

from __future__ import annotations

import numpy as np

from tbxd.proto.event_pb2 import DT_FLOAT, Event
from tbxd_wire.arrays import Array
from tbxd_wire.distributions import THRESHOLDS_MAX
from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from .arrays import NDArray
from .chunks import chunks, float_chunks, real_array_of
from .event import begin
from .fields import fields_of
from .varint import varint

ROWS = 6
"""True positives, false positives, true negatives, false negatives, precision, recall."""

_PLUGIN = "pr_curves"
_NUM_THRESHOLDS = b"\x10"
"""Field 2 of the plugin's content, a varint; field 1, the version, is 0 and so has no bytes."""
_MINIMUM_COUNT = 1e-7


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a PR_CURVE record."""
    labels, predictions, thresholds, weights = fields_of(record, 4)
    labels = real_array_of(labels, "labels")
    predictions = real_array_of(predictions, "predictions")
    if labels.shape != predictions.shape:
        raise RecordError(f"labels of shape {labels.shape}, predictions of {predictions.shape}")
    if type(thresholds) is not int or not 1 <= thresholds <= THRESHOLDS_MAX:
        raise RecordError(
            f"a PR curve has 1 to {THRESHOLDS_MAX} thresholds, not {thresholds!r:.40}"
        )
    if weights is not None:
        weights = real_array_of(weights, "weights")
    if weights is not None and weights.size != 1 and weights.shape != predictions.shape:
        raise RecordError(
            f"weights must be one or have the shape {predictions.shape}, not {weights.shape}"
        )
    return [("", event_of(record, _curve(labels, predictions, thresholds, weights)))]


def event_of(record: Record, curve: NDArray) -> bytes:
    """Return the serialized event of a curve of shape (ROWS, thresholds)."""
    event: Event = begin(record)
    value = event.summary.value.add(tag=record[1])
    value.metadata.plugin_data.plugin_name = _PLUGIN
    value.metadata.plugin_data.content = _NUM_THRESHOLDS + varint(curve.shape[1])
    value.tensor.dtype = DT_FLOAT
    for extent in curve.shape:
        value.tensor.tensor_shape.dim.add(size=extent)
    value.tensor.float_val.extend(curve.reshape(-1).tolist())
    return event.SerializeToString()


def _curve(labels: Array, predictions: Array, thresholds: int, weights: Array | None) -> NDArray:
    """Return float64 of shape (ROWS, thresholds).

    Predictions that are not in 0 to 1 (or so near above 1 that they round down to it) count for
    nothing.
    """
    right, wrong = np.zeros(thresholds), np.zeros(thresholds)
    one = 1.0
    parts = [chunks(labels), chunks(predictions)]
    if weights is not None and weights.size == 1:
        ((one,),) = float_chunks(weights)
    elif weights is not None:
        parts.append(float_chunks(weights))
    with np.errstate(all="ignore"):
        for label, prediction, *own in zip(*parts, strict=True):
            # Floats keep their precision, as in both peers: it decides who reaches a threshold.
            if prediction.dtype.kind != "f":
                prediction = prediction.astype(np.float64)
            reached = np.floor(prediction * (thresholds - 1))
            counted = (reached >= 0) & (reached <= thresholds - 1)
            bucket = reached[counted].astype(np.intp)
            truth = label[counted].astype(np.float64)
            share = own[0][counted] if own else one
            right += np.bincount(bucket, truth * share, thresholds)
            wrong += np.bincount(bucket, (1.0 - truth) * share, thresholds)
        tp = np.cumsum(right[::-1])[::-1]
        fp = np.cumsum(wrong[::-1])[::-1]
        tn, fn = fp[0] - fp, tp[0] - tp
        precision = tp / np.maximum(_MINIMUM_COUNT, tp + fp)
        recall = tp / np.maximum(_MINIMUM_COUNT, tp + fn)
    return np.stack((tp, fp, tn, fn, precision, recall))
