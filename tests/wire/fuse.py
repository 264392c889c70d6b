"""A file system of any type that ends in ``fuse.<name>``: an empty directory, and nothing else.

It answers what the kernel asks to begin, and what its root is (fuse(4), linux/fuse.h); anything
else it does not know, as the kernel allows.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

_IN = struct.Struct("=IIQQIIIHH")
_OUT = struct.Struct("=IiQ")
_INIT = struct.Struct("=IIIIHHIIHHI28x")
_ATTRIBUTES = struct.Struct("=QII6Q10I")
assert (_IN.size, _OUT.size, _INIT.size, _ATTRIBUTES.size) == (40, 16, 64, 104)

_LOOKUP, _FORGET, _GETATTR, _INITIALIZE, _BATCH_FORGET = 1, 2, 3, 26, 42
_REQUEST_BYTES = 1 << 18


def _answer(opcode: int) -> bytes | None:
    """Return what is to be said to a request; None: it is not known."""
    if opcode == _INITIALIZE:
        return _INIT.pack(7, 31, 0, 0, 1, 1, 4096, 1, 1, 0, 0)
    if opcode == _GETATTR:
        attributes = (1, 0, 0, 0, 0, 0, 0, 0, 0, stat.S_IFDIR | 0o700, 2)
        return _ATTRIBUTES.pack(60, 0, 0, *attributes, os.getuid(), os.getgid(), 0, 4096, 0)
    return None


class Silence:
    """Who asks for a name gets no answer until it is broken: a server that is away."""

    def __init__(self) -> None:
        self.device = -1
        self._waiting: list[int] = []
        self._lock = threading.Lock()
        self._is_broken = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def keeps(self, number: int) -> bool:
        """Return whether a request is to wait."""
        with self._lock:
            if not self._is_broken:
                self._waiting.append(number)
            return not self._is_broken

    def end(self) -> None:
        """Say to all who wait, and who ask from now on, that there is no such name."""
        with self._lock:
            self._is_broken = True
            for number in self._waiting:
                os.write(self.device, _OUT.pack(_OUT.size, -errno.ENOENT, number))
            self._waiting.clear()


def _serve(device: int, silence: Silence | None) -> None:
    """Answer until the file system is unmounted."""
    with contextlib.suppress(OSError):
        while True:
            _, opcode, number, *_ = _IN.unpack_from(os.read(device, _REQUEST_BYTES))
            if opcode in (_FORGET, _BATCH_FORGET):
                continue
            if opcode == _LOOKUP and silence is not None and silence.keeps(number):
                continue
            said = _answer(opcode)
            error = -errno.ENOSYS if said is None else 0
            os.write(device, _OUT.pack(_OUT.size + len(said or b""), error, number) + (said or b""))


@contextlib.contextmanager
def mounted(where: Path, name: str, silence: Silence | None = None) -> Iterator[Path]:
    """Mount one of the type ``fuse.<name>``; skip the test where that cannot be done."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    try:
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"there is no fuse here: {error}")
    where.mkdir()
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    command = ["mount", "-i", "-t", f"fuse.{name}", "-o", options, "nowhere:/", str(where)]
    done = subprocess.run(command, pass_fds=[device], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        os.close(device)
        pytest.skip(f"fuse cannot be mounted here: {done.stderr.strip()}")
    if silence is not None:
        silence.device = device
    server = threading.Thread(target=_serve, args=(device, silence))
    server.start()
    try:
        yield where
    finally:
        if silence is not None:
            silence.end()
        subprocess.run(["umount", "--lazy", str(where)], check=True)
        server.join()
        os.close(device)
