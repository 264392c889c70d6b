"""The projector's configuration against TensorBoard's own: the same text, no clash."""

from __future__ import annotations

from google.protobuf import text_format
from tensorboard.plugins.projector import projector_config_pb2 as theirs

from tbxd.proto import projector_pb2 as ours


def test_every_field_is_tensorboards_and_none_is_missing() -> None:
    mine, other = ours.DESCRIPTOR.message_types_by_name, theirs.DESCRIPTOR.message_types_by_name
    assert mine.keys() == other.keys()
    for name, message in mine.items():
        found = [(field.name, field.number, field.type) for field in message.fields]
        assert found == [(field.name, field.number, field.type) for field in other[name].fields]


def test_the_text_of_one_is_the_text_of_the_other() -> None:
    config = ours.ProjectorConfig(model_checkpoint_path="a", model_checkpoint_dir="b")
    info = config.embeddings.add(tensor_name='ü"\n', tensor_path="c", metadata_path="d")
    info.bookmarks_path = "e"
    info.tensor_shape.extend([3, 4])
    info.sprite.image_path = "f"
    info.sprite.single_image_dim.extend([5, 6])
    text = text_format.MessageToString(config)
    read = text_format.Parse(text, theirs.ProjectorConfig())
    assert text_format.MessageToString(read) == text
    assert read.SerializeToString() == config.SerializeToString()


def test_both_families_live_in_one_process() -> None:
    assert ours.DESCRIPTOR.package == "tbxd.proto"
    assert ours.DESCRIPTOR.name != theirs.DESCRIPTOR.name
