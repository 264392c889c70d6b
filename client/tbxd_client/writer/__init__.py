"""The SummaryWriter: one module for each family of its methods, on one common core."""

from .summary_writer import SummaryWriter

__all__ = ["SummaryWriter"]
