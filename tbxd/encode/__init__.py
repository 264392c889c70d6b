"""Records into serialized events: pure functions, one module per kind, one table."""

from .table import UnknownKind, encode, tags

__all__ = ["UnknownKind", "encode", "tags"]
