"""Embeddings: the files of both peers beside ours, call by call."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorboardX
import torch
import torch.utils.tensorboard as torch_tensorboard
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from tbxd.encode import beside, encode
from tbxd.proto.event_pb2 import Event
from tbxd.sinks import projector
from tbxd_client import SummaryWriter
from tests.client.leftovers import read_all

Array = np.ndarray[Any, np.dtype[Any]]

PEERS: dict[str, Any] = {
    "tensorboardX": tensorboardX.SummaryWriter,
    "torch": torch_tensorboard.SummaryWriter,
}
RANDOM = np.random.default_rng(11)
MATRIX = RANDOM.normal(size=(9, 4)).astype(np.float32)
WORDS = [f"word {number}" for number in range(9)]
PICTURES = torch.from_numpy(RANDOM.uniform(size=(9, 3, 8, 8)).astype(np.float32))


def colour(count: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(RANDOM.uniform(size=(count, *shape)).astype(np.float32))


CALLS: dict[str, dict[str, Any]] = {
    "float32": {"mat": MATRIX},
    "tensor": {"mat": torch.from_numpy(MATRIX).requires_grad_()},
    "transposed": {"mat": MATRIX.T},
    "float64": {"mat": RANDOM.normal(size=(3, 2))},
    "float16": {"mat": MATRIX.astype(np.float16)},
    "bfloat16": {"mat": torch.from_numpy(MATRIX).bfloat16()},
    "large bfloat16": {"mat": torch.full((2, 2), 1e30, dtype=torch.bfloat16)},
    "int64": {"mat": np.arange(-3, 9).reshape(4, 3)},
    "bool": {"mat": MATRIX > 0},
    "complex": {"mat": MATRIX + 1j},
    "not finite": {"mat": np.array([[np.nan, np.inf], [-np.inf, 1e300]])},
    "zeros": {"mat": np.zeros((3, 2))},
    "list": {"mat": [[1.0, 2.0], [3.0, 4.5]]},
    "one point": {"mat": MATRIX[:1]},
    "one dimension": {"mat": MATRIX[:, :1]},
    "no points": {"mat": MATRIX[:0]},
    "no dimensions": {"mat": MATRIX[:, :0]},
    "vector": {"mat": MATRIX[0]},
    "step": {"mat": MATRIX, "global_step": 7},
    "large step": {"mat": MATRIX, "global_step": 1234567},
    "negative step": {"mat": MATRIX, "global_step": -3},
    "step of a float": {"mat": MATRIX, "global_step": 2.75},
    "tag": {"mat": MATRIX, "tag": "layer 1/embedding"},
    "tag with signs": {"mat": MATRIX, "tag": "50%/a\\b:é"},
    "tag with a quote": {"mat": MATRIX, "tag": 'say "x"'},
    "empty tag": {"mat": MATRIX, "tag": ""},
    "dots": {"mat": MATRIX, "tag": ".."},
    "labels": {"mat": MATRIX, "metadata": WORDS},
    "labels of numbers": {"mat": MATRIX, "metadata": list(range(9))},
    "labels in an array": {"mat": MATRIX, "metadata": np.linspace(0, 1, 9, dtype=np.float32)},
    "labels in a tensor": {"mat": MATRIX, "metadata": torch.arange(9)},
    "labels of objects": {"mat": MATRIX, "metadata": [None, (1, 2), *map(Path, WORDS[:7])]},
    "labels with tabs": {"mat": MATRIX[:2], "metadata": ["a\tb", "c\nd"]},
    "blank label": {"mat": MATRIX[:3], "metadata": ["a", "", " "]},
    "columns": {
        "mat": MATRIX,
        "metadata": [[word, number] for number, word in enumerate(WORDS)],
        "metadata_header": ["word", "number"],
    },
    "one column": {
        "mat": MATRIX,
        "metadata": [[word] for word in WORDS],
        "metadata_header": ["word"],
    },
    "tuples": {
        "mat": MATRIX[:2],
        "metadata": [("a", 1), ("b", 2)],
        "metadata_header": ["word", "number"],
    },
    "header alone": {"mat": MATRIX, "metadata_header": ["word", "number"]},
    "few columns later": {
        "mat": MATRIX[:2],
        "metadata": [["a", 1], ["b"]],
        "metadata_header": ["word", "number"],
    },
    "few columns": {"mat": MATRIX, "metadata": [["a"]] * 9, "metadata_header": ["a", "b"]},
    "few labels": {"mat": MATRIX, "metadata": WORDS[:8]},
    "many labels": {"mat": MATRIX, "metadata": [*WORDS, "more"]},
    "pictures": {"mat": MATRIX, "label_img": PICTURES, "metadata": WORDS},
    "five pictures": {"mat": MATRIX[:5], "label_img": PICTURES[:5]},
    "two pictures": {"mat": MATRIX[:2], "label_img": PICTURES[:2]},
    "one picture": {"mat": MATRIX[:1], "label_img": PICTURES[:1]},
    "grey pictures": {"mat": MATRIX, "label_img": PICTURES[:, :1]},
    "pictures with alpha": {"mat": MATRIX[:4], "label_img": colour(4, 4, 8, 8)},
    "pictures of two channels": {"mat": MATRIX[:4], "label_img": colour(4, 2, 8, 8)},
    "wide pictures": {"mat": MATRIX[:4], "label_img": colour(4, 3, 4, 12)},
    "high pictures": {"mat": MATRIX[:4], "label_img": colour(4, 3, 12, 4)},
    "pictures of bytes": {"mat": MATRIX, "label_img": (PICTURES * 255).byte()},
    "pictures of float64": {"mat": MATRIX, "label_img": PICTURES.double()},
    "pictures of an array": {"mat": MATRIX, "label_img": PICTURES.numpy()},
    "pictures out of range": {"mat": MATRIX, "label_img": PICTURES * 4 - 1.5},
    "too many pictures": {"mat": MATRIX[:8], "label_img": PICTURES},
    "pictures without a batch": {"mat": MATRIX, "label_img": PICTURES[0]},
    "not a number": {"mat": [["a", "b"]]},
    "None": {"mat": None},
}

# In every call, and left out of the comparisons: where the peers have tensors.tsv, ours is
# tensors.bytes, which is smaller and takes no time to print and to parse; and the configuration
# has the tensor_shape without which the projector could not read it.
BOTH = "tensorboardX torch"
DIFFERENCES: list[tuple[str, str, str, str]] = [
    # Call, peers, what is different, why.
    ("bfloat16", "tensorboardX", "raises TypeError, ours nothing", "it has no such dtype"),
    ("large bfloat16", "tensorboardX", "raises TypeError, ours nothing", "it has no such dtype"),
    ("large bfloat16", "torch", "points", "it casts to float16: infinite"),
    ("bool", BOTH, "points", "they write True, and the projector of all runs fails"),
    ("complex", BOTH, "raises nothing, ours TypeError", "the projector of all runs fails"),
    ("list", "torch", "raises NotImplementedError, ours nothing", "tensorboardX takes lists"),
    ("not a number", "torch", "raises NotImplementedError, ours TypeError", "as tensorboardX"),
    ("no points", BOTH, "raises nothing, ours AssertionError", "the projector of all runs fails"),
    (
        "no dimensions",
        BOTH,
        "raises nothing, ours AssertionError",
        "the projector of all runs fails",
    ),
    ("step of a float", BOTH, "names, block", "a step is an integer, as for every other call"),
    ("tag with signs", "tensorboardX", "block", "it does not escape the backslash in the text"),
    ("tag with a quote", "tensorboardX", "invalid config", "the projector of all runs fails"),
    ("empty tag", BOTH, "names, block", "its files would lie where tags have their directories"),
    ("dots", BOTH, "names, block", "they lead out of the step's directory"),
    ("labels in a tensor", BOTH, "labels", '"tensor(3)" is no number to colour by'),
    ("labels with tabs", BOTH, "labels", "the first label would be the header"),
    ("blank label", BOTH, "labels", "the projector skips the line: a label too few"),
    ("one column", BOTH, "labels", "the projector takes the header for a label: one too many"),
    (
        "few columns later",
        BOTH,
        "raises nothing, ours AssertionError",
        "they look at the first row alone",
    ),
    ("pictures with alpha", "torch", "raises AssertionError, ours nothing", "tensorboardX: next"),
    (
        "pictures with alpha",
        "tensorboardX",
        "raises ValueError, ours nothing",
        "its grid takes them, its canvas does not",
    ),
    (
        "wide pictures",
        "tensorboardX",
        "raises AssertionError, ours nothing",
        "the projector can show them, squeezed",
    ),
    ("wide pictures", "torch", "sprite", "the projector finds pictures where there are none"),
    (
        "high pictures",
        "tensorboardX",
        "raises AssertionError, ours nothing",
        "the projector can show them, squeezed",
    ),
    ("high pictures", "torch", "raises ValueError, ours nothing", "its canvas is too low"),
    ("pictures of bytes", BOTH, "sprite", "they take 1 for white: all is white"),
    ("pictures of an array", "torch", "raises TypeError, ours nothing", "tensorboardX takes them"),
]


@pytest.fixture
def ours(runtime_directory: str) -> Callable[[Path, dict[str, Any]], None]:
    """Return a function that makes a call with our writer, as far as the files."""

    def call(directory: Path, arguments: dict[str, Any]) -> None:
        SummaryWriter(directory).add_embedding(**arguments)
        ((record,),) = (each.records for each in read_all(runtime_directory))
        ((place, data),) = encode(record)
        assert (place, Event.FromString(data).step) == ("", int(arguments.get("global_step", 0)))
        projection = beside(record)
        assert projection is not None
        projector.write(str(directory), projection)

    return call


def theirs(peer: str, directory: Path, arguments: dict[str, Any]) -> None:
    writer = PEERS[peer](str(directory))
    with warnings.catch_warnings():
        # Of numpy, where pictures hold what is no number.
        warnings.simplefilter("ignore")
        writer.add_embedding(**arguments)
    writer.close()


class Tree:
    """What a call has left beside the event file."""

    def __init__(self, directory: Path) -> None:
        self.files: dict[str, Any] = {}
        for folder, _, names in os.walk(directory):
            for name in names:
                path = Path(folder, name)
                if "tfevents" not in name and name != "projector_config.pbtxt":
                    key, content = _content(path)
                    self.files[str(path.relative_to(directory).with_name(key))] = content
        config = text_format.Parse(
            (directory / "projector_config.pbtxt").read_text(), ProjectorConfig()
        )
        (self.block,) = config.embeddings
        self.block.tensor_path = self.block.tensor_path.replace("tensors.bytes", "tensors.tsv")
        self.shape = tuple(self.block.tensor_shape)
        del self.block.tensor_shape[:]

    def find(self, name: str) -> Any:
        """Return the content of a file, wherever it lies."""
        (content,) = [self.files[path] for path in self.files if Path(path).name == name] or [None]
        return content


def _content(path: Path) -> tuple[str, Any]:
    if path.name == "tensors.bytes":
        return "points", np.fromfile(path, "<f4").reshape(-1)
    if path.name == "tensors.tsv":
        words = path.read_text().replace("True", "-1").replace("False", "-1").split()
        with np.errstate(over="ignore"):
            return "points", np.array(words, np.float64).astype(np.float32)
    if path.name == "sprite.png":
        return "sprite", np.asarray(Image.open(path).convert("RGB"))
    return "labels", path.read_bytes()


def compared(ours: Tree, theirs: Tree) -> Iterator[str]:
    """Yield what is different."""
    if ours.files.keys() != theirs.files.keys():
        yield "names"
    if ours.block != theirs.block:
        yield "block"
    for name in ("points", "labels", "sprite"):
        mine, other = ours.find(name), theirs.find(name)
        if name == "sprite" and mine is not None:
            # Below the pictures, tensorboardX has what happened to lie in memory.
            assert mine.dtype == other.dtype
            width, height = ours.block.sprite.single_image_dim
            rows = -(-ours.shape[0] // (mine.shape[1] // width))
            if mine.shape == other.shape:
                mine, other = mine[: rows * height], other[: rows * height]
        if not np.array_equal(mine, other, equal_nan=name == "points"):
            yield name


def name_of(error: Exception | None) -> str:
    return "nothing" if error is None else type(error).__name__


def caught(log: Callable[[], None]) -> Exception | None:
    try:
        log()
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_leaves_what_the_peers_leaves(
    call: str, peer: str, tmp_path: Path, ours: Callable[[Path, dict[str, Any]], None]
) -> None:
    arguments = CALLS[call]
    mine = caught(lambda: ours(tmp_path / "ours", arguments))
    other = caught(lambda: theirs(peer, tmp_path / "theirs", arguments))
    if name_of(mine) != name_of(other):
        found = f"raises {name_of(other)}, ours {name_of(mine)}"
    elif mine is not None:
        found = ""
    else:
        try:
            trees = Tree(tmp_path / "ours"), Tree(tmp_path / "theirs")
            found = ", ".join(compared(*trees))
        except text_format.ParseError:
            found = "invalid config"
    expected = [what for name, peers, what, _ in DIFFERENCES if name == call and peer in peers]
    assert [found] == (expected or [""])


def test_every_difference_is_of_a_call() -> None:
    assert {call for call, *_ in DIFFERENCES} <= CALLS.keys()


@pytest.mark.parametrize("peer", PEERS)
def test_several_embeddings_have_a_block_each_as_the_peers_have(
    peer: str, tmp_path: Path, runtime_directory: str
) -> None:
    writer = SummaryWriter(tmp_path / "ours")
    other = PEERS[peer](str(tmp_path / "theirs"))
    for step, tag in [(0, "a"), (0, "b"), (5, "a")]:
        writer.add_embedding(MATRIX, WORDS, global_step=step, tag=tag)
        other.add_embedding(MATRIX, WORDS, global_step=step, tag=tag)
    other.close()
    (logged,) = read_all(runtime_directory)
    for record in logged.records:
        projection = beside(record)
        assert projection is not None
        projector.write(str(tmp_path / "ours"), projection)
    assert blocks(tmp_path / "ours") == blocks(tmp_path / "theirs")


def blocks(directory: Path) -> list[tuple[str, str]]:
    text = (directory / "projector_config.pbtxt").read_text()
    config = text_format.Parse(text, ProjectorConfig())
    return [(each.tensor_name, each.metadata_path) for each in config.embeddings]
