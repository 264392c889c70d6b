"""The client of tbxd: a SummaryWriter whose calls cost about a microsecond and lose nothing.

Imports neither the daemon nor any framework; see :class:`SummaryWriter`.
"""

from tbxd_wire.errors import DirectoryError, FlushTimeout, TbxdError

from .writer import FileWriter, SummaryWriter

__all__ = ["DirectoryError", "FileWriter", "FlushTimeout", "SummaryWriter", "TbxdError"]
