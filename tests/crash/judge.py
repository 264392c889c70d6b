"""Reads event files with TensorBoard's own loader and says what is lost, twice, wrong or torn.

Only the loader's checksum function is replaced, by a C one of the same polynomial: TensorBoard's
own is a Python loop of 5 MB/s. TensorBoard's code still has every checksum made and compares it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c
import numpy
from PIL import Image
from tensorboard.backend.event_processing import event_file_loader
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow

from tbxd.encode.note import LIFECYCLE_TAG, SHED_TAG, is_note

from .producer import HISTOGRAM_VALUES, PICTURE_SHAPE, TAG, TEXT_TAG, value_of

pywrap_tensorflow.crc32c = google_crc32c.value


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one producer's records."""

    begun: int
    returned: int
    found: int
    lost: int
    twice: int
    late: int
    """Behind a record that was logged later."""
    wrong: int
    """Of another value, or never logged."""

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.twice or self.late or self.wrong) and (
            self.returned <= self.found <= self.begun
        )


def event_files(directory: Path) -> list[Path]:
    """Return the event files of one directory, in the order in which TensorBoard reads them."""
    return sorted(path for path in directory.glob("*tfevents*") if path.is_file())


def records(directory: Path) -> Iterator[tuple[str, int, float | None]]:
    """Yield ``(tag, step, number)`` of every record in a run directory, as TensorBoard reads it.

    The number is what a scalar, a text, each pixel of a picture, each value of a histogram or a
    tensor says; None if they do not agree. What the daemon itself notes there is left out.
    """
    for path in event_files(directory):
        for event in event_file_loader.RawEventFileLoader(str(path)).Load():
            parsed = event_file_loader.event_pb2.Event.FromString(event)
            for value in parsed.summary.value:
                if is_note(value.tag):
                    continue
                yield value.tag, parsed.step, _number_of(value)


def shed(directory: Path) -> list[tuple[int, float]]:
    """Return the curve in which the daemon says how many records were shed: (step, records)."""
    return [(step, value.simple_value) for step, value in _said(directory, SHED_TAG)]


def lifecycle(directory: Path) -> list[str]:
    """Return the texts in which the daemon says what became of who logged there."""
    said = _said(directory, LIFECYCLE_TAG)
    return [value.tensor.string_val[0].decode() for _, value in said]


def _said(directory: Path, tag: str) -> Iterator[tuple[int, Any]]:
    """Yield step and value of each note of the daemon's under ``tag``."""
    for path in event_files(directory):
        for event in event_file_loader.RawEventFileLoader(str(path)).Load():
            parsed = event_file_loader.event_pb2.Event.FromString(event)
            for value in parsed.summary.value:
                if value.tag == tag:
                    yield parsed.step, value


def _number_of(value: Any) -> float | None:
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return float(value.simple_value)
    if kind == "histo" and value.histo.num == sum(value.histo.bucket) == HISTOGRAM_VALUES:
        return float(value.histo.min) if value.histo.min == value.histo.max else None
    if kind == "tensor" and value.tag == TEXT_TAG:
        (text,) = value.tensor.string_val
        return float(text)
    if kind == "tensor":
        numbers = set(numpy.frombuffer(value.tensor.tensor_content, "<f4").tolist())
        return float(numbers.pop()) if len(numbers) == 1 else None
    if kind == "image":
        with Image.open(io.BytesIO(value.image.encoded_image_string)) as picture:
            pixels = set(picture.tobytes())
        channels, height, width = PICTURE_SHAPE
        whole = (picture.height, picture.width, len(picture.getbands())) == (
            height,
            width,
            channels,
        )
        return float(pixels.pop()) if whole and len(pixels) == 1 else None
    return None


def _says(step: int, number: float | None) -> bool:
    """Return whether ``number`` is what record ``step`` says."""
    return number in (value_of(step), value_of(step) % 256)


def judge(directory: Path, begun: int, returned: int, *, first: int = 0) -> Verdict:
    """Compare the records of one producer in ``directory`` with its tally.

    Args:
        directory: the run directory.
        begun: calls begun.
        returned: calls that had returned.
        first: what comes before this record was taken away, and is neither lost nor wrong.
    """
    found: list[int | None] = []
    for tag, step, number in records(directory):
        right = tag in (TAG, TEXT_TAG) and _says(step, number) and first <= step < begun
        found.append(step if right else None)
    return _verdict(found, begun, returned, first)


def judge_each(directory: Path, counts: dict[str, int]) -> dict[str, Verdict]:
    """Compare the records of many tags in ``directory`` with how many calls returned for each.

    What is there of any other tag, is reported as wrong under that tag.
    """
    found: dict[str, list[int | None]] = {tag: [] for tag in counts}
    for tag, step, number in records(directory):
        right = _says(step, number) and 0 <= step < counts.get(tag, 0)
        found.setdefault(tag, []).append(step if right else None)
    return {
        tag: _verdict(steps, counts.get(tag, 0), counts.get(tag, 0), 0)
        for tag, steps in found.items()
    }


def _verdict(found: list[int | None], begun: int, returned: int, first: int) -> Verdict:
    """Judge the steps of one author's records in the order of the file; None is a wrong one."""
    seen: set[int] = set()
    twice = late = wrong = 0
    last = -1
    for step in found:
        if step is None:
            wrong += 1
            continue
        if step in seen:
            twice += 1
        elif step < last:
            late += 1
        seen.add(step)
        last = step
    lost = sum(1 for step in range(first, returned) if step not in seen)
    return Verdict(begun - first, returned - first, len(seen), lost, twice, late, wrong)
