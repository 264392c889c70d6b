"""Messages of ours beside those of the same names that somebody else has defined."""

from __future__ import annotations

from typing import Any


def messages(descriptor: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Return every message that ``descriptor`` can hold, by its name without the package."""
    name = descriptor.full_name.removeprefix(descriptor.file.package + ".")
    if name not in found:
        found[name] = descriptor
        for field in descriptor.fields:
            if field.message_type is not None:
                messages(field.message_type, found)
    return found


def repeated(field: Any) -> bool:
    """Return whether a field is a list."""
    # is_repeated came with protobuf 6 and label went with 7.
    return bool(field.is_repeated) if hasattr(field, "is_repeated") else field.label == 3


def same_fields(ours: Any, theirs: Any, to_bytes: frozenset[str] = frozenset()) -> int:
    """Check that every field of our message is the one of the same number in theirs.

    Args:
        to_bytes: names of messages that ours passes on as bytes.

    Returns:
        How many values of enumerations were the same, too.
    """
    values = 0
    for field in ours.fields:
        their_field = theirs.fields_by_number[field.number]
        assert field.name == their_field.name
        assert repeated(field) == repeated(their_field)
        assert (field.containing_oneof is None) == (their_field.containing_oneof is None)
        if field.type != their_field.type:
            assert field.type == field.TYPE_BYTES
            assert their_field.message_type.name in to_bytes
        elif field.message_type is not None:
            assert field.message_type.name == their_field.message_type.name
        elif field.enum_type is not None:
            for value in field.enum_type.values:
                assert their_field.enum_type.values_by_name[value.name].number == value.number
                values += 1
    return values
