"""The one place where intake, encode and sinks meet: frames in, committed positions out."""

from tbxd.sinks.lane import Blocked

from .pipeline import Pipeline

__all__ = ["Blocked", "Pipeline"]
