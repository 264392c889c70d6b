"""Blocks of a configuration: ours are replaced, all the rest stays as it stands."""

from __future__ import annotations

import itertools
import time
import tracemalloc

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from tbxd.format import projector_config
from tbxd.format.projection import Projection
from tbxd.format.projector_config import CONFIG_BYTES

# A backslash that begins no escape, as tensorboardX writes tags, is one more character.
pytestmark = pytest.mark.filterwarnings("ignore:.*invalid escape sequence:DeprecationWarning")

FOREIGN = """\
# A comment with embeddings { tensor_name: "mine:00001" } in it.
model_checkpoint_path: "embeddings { tensor_name: \\"mine:00001\\" }"
embeddings {
  # by hand
  tensor_name: 'theirs'
  tensor_path: "a" 'b' # two pieces
  from_the_future { nested: [1, 2] other < x: 1 > }
}
unknown_flag: true
unknown { a: [1, 2] embeddings { tensor_name: "mine:00001" } }
embeddings: < tensor_name: "second" >;
"""


def projection(tag: str = "mine", step: int = 1, **files: bytes) -> Projection:
    contents = {"tensors.bytes": b""} | {name.replace("_", "."): b"" for name in files}
    size = (4, 5) if "sprite_png" in files else None
    return Projection(tag, step, (2, 3), contents, size)


def test_a_block() -> None:
    block = projector_config.block_of(projection(metadata_tsv=b"", sprite_png=b""))
    (found,) = text_format.Parse(block, ProjectorConfig()).embeddings
    assert found.tensor_name == "mine:00001"
    assert list(found.tensor_shape) == [2, 3]
    assert found.tensor_path == "00001/mine/tensors.bytes"
    assert found.metadata_path == "00001/mine/metadata.tsv"
    assert found.sprite.image_path == "00001/mine/sprite.png"
    assert list(found.sprite.single_image_dim) == [4, 5]


def test_a_block_of_points_alone() -> None:
    block = projector_config.block_of(Projection("t", -1, (2, 3), {"tensors.tsv": b""}, None))
    (found,) = text_format.Parse(block, ProjectorConfig()).embeddings
    assert found.tensor_path == "-0001/t/tensors.tsv"
    assert not found.metadata_path
    assert not found.HasField("sprite")


def test_what_others_wrote_stays_to_the_letter() -> None:
    assert projector_config.is_valid(FOREIGN)
    assert projector_config.split(FOREIGN, "mine:00001") == (FOREIGN, [])
    block = projector_config.block_of(projection())
    whole = projector_config.joined(FOREIGN, block)
    assert whole == FOREIGN + block + "\n"
    assert projector_config.split(whole, "mine:00001") == (FOREIGN, [block])


@pytest.mark.parametrize("name", ["theirs", "second"])
def test_a_block_of_any_form_is_taken_out(name: str) -> None:
    kept, (taken,) = projector_config.split(FOREIGN, name)
    assert name in taken
    assert len(kept) in (len(FOREIGN) - len(taken) - 1, len(FOREIGN) - len(taken) - 2)
    assert projector_config.is_valid(kept)
    assert projector_config.split(kept, name) == (kept, [])


def test_every_block_of_a_name_is_taken_out() -> None:
    block = 'embeddings { tensor_name: "a" tensor_path: "1" }\n'
    other = 'embeddings { tensor_name: "b" }\n'
    kept, taken = projector_config.split(block + other + block, "a")
    assert kept == other
    assert taken == [block.strip()] * 2


def test_one_of_a_list() -> None:
    text = 'x: 1\nembeddings: [ { tensor_name: "a" new: 1 }, < tensor_name: "b" > ]\ny: 2\n'
    kept, taken = projector_config.split(text, "b")
    assert kept == 'x: 1\nembeddings { tensor_name: "a" new: 1 }\ny: 2\n'
    assert taken == ['embeddings < tensor_name: "b" >']
    assert projector_config.split(text, "c") == (text, [])


@pytest.mark.parametrize("text", ["", "embeddings: []", "embeddings []\n", "# nothing"])
def test_configurations_without_embeddings(text: str) -> None:
    assert projector_config.is_valid(text)
    assert projector_config.split(text, "") == (text, [])
    assert projector_config.is_valid(projector_config.joined(text, "embeddings {}"))


@pytest.mark.parametrize(
    "damage",
    [
        'embeddings {\n  tensor_name: "torn',
        'embeddings {\n  tensor_name: "torn"\n',
        "embeddings {",
        "embeddings",
        "}",
        "\0",
        'embeddings { tensor_name: "twice" tensor_name: "twice" }',
    ],
)
def test_whole_blocks_of_a_damaged_one_are_saved(damage: str) -> None:
    good = ['embeddings { tensor_name: "a" new: 1 }', 'embeddings: [{tensor_name: "b"}]']
    text = f"{good[0]}\n{damage}\n{good[1]}\n"
    assert not projector_config.is_valid(text)
    assert projector_config.salvaged(text) == f'{good[0]}\nembeddings {{tensor_name: "b"}}\n'


@pytest.mark.parametrize("text", ["embeddings {", "embeddings: [ {"])
def test_what_nothing_closes_takes_no_time(text: str) -> None:
    """Not quadratic: what closes what is found out once."""
    text *= CONFIG_BYTES // 8 // len(text)
    began = time.monotonic()
    assert projector_config.salvaged(text) == ""
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("text", ["\0", "{", "{}", "embeddings {", "embeddings: [ {"])
def test_what_is_no_configuration_takes_little_memory(text: str) -> None:
    """Whatever a file of that name holds: there is no object for each character of it."""
    text *= CONFIG_BYTES // 64 // len(text)
    tracemalloc.start()
    try:
        assert projector_config.salvaged(text) == ""
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * len(text)


def test_what_is_nested_too_deep_is_damaged() -> None:
    deep = 'embeddings { tensor_name: "a" ' + "x {" * 5000 + "}" * 5001
    assert not projector_config.is_valid(deep)
    assert projector_config.salvaged(deep) == ""


names = st.text(max_size=6) | st.sampled_from(['"', "\\", "'", "}", "{", "#", "\n", "embeddings {"])


@given(st.lists(st.tuples(names, st.integers(-5, 5)), max_size=5, unique=True), st.data())
def test_any_name_is_found_again(keys: list[tuple[str, int]], data: st.DataObject) -> None:
    text = ""
    blocks = [projector_config.block_of(projection(tag, step)) for tag, step in keys]
    for block in blocks:
        text = projector_config.joined(text, block)
    parsed = text_format.Parse(text, ProjectorConfig())
    expected = [f"{tag}:{step:05d}" for tag, step in keys]
    assert [each.tensor_name for each in parsed.embeddings] == expected
    for name, block in zip(expected, blocks, strict=True):
        kept, taken = projector_config.split(text, name)
        assert taken == [block]
        rest = "".join(other + "\n" for other in blocks if other != block)
        assert kept == rest


tokens = st.sampled_from(
    ["embeddings", "{", "}", "<", ">", "[", "]", ":", ",", '"', "'", "#", "\n", " ", "\\", "a: 1"]
)


@given(st.lists(tokens | st.text(max_size=3), max_size=30).map("".join))
def test_no_text_breaks_it(text: str) -> None:
    for _ in range(2):
        kept, taken = projector_config.split(text, "")
        if projector_config.is_valid(text):
            assert projector_config.is_valid(kept)
            found = text_format.Parse(text, ProjectorConfig(), allow_unknown_field=True)
            named = sum(not each.tensor_name for each in found.embeddings)
            assert len(taken) == named
        text = projector_config.salvaged(text)
        assert projector_config.is_valid(text)


def test_the_names_of_a_thousand_blocks_take_no_time() -> None:
    """Not quadratic: each block is parsed once and remembered."""
    text = ""
    for step in itertools.islice(itertools.count(), 200):
        block = projector_config.block_of(projection(step=step))
        text = projector_config.joined(projector_config.split(text, "none")[0], block)
    hits = projector_config._name_of.cache_info().hits
    projector_config.split(text, "none")
    assert projector_config._name_of.cache_info().hits >= hits + 199
