"""The one place where intake, encode and sinks meet: frames in, committed positions out."""

from .pipeline import Pipeline

__all__ = ["Pipeline"]
