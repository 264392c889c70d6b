"""The SummaryWriter: one module for each family of its methods, on one common core."""

from .raw import FileWriter
from .summary_writer import SummaryWriter

__all__ = ["FileWriter", "SummaryWriter"]
