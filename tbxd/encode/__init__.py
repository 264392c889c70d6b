"""Records into serialized events: pure functions, one module per kind, one table."""

from .table import UnknownKind, encode, is_slow, tags

__all__ = ["UnknownKind", "encode", "is_slow", "tags"]
