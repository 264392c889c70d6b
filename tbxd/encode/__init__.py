"""Records into serialized events: pure functions, one module per kind, one table."""

from .table import UnknownKind, beside, encode, is_slow, tags

__all__ = ["UnknownKind", "beside", "encode", "is_slow", "tags"]
