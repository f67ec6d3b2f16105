"""Files that are whole: the old one or the new one, never half of each."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

try:
    import fcntl
except ImportError:  # on Windows: nobody can say there who still writes a file
    fcntl = None


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` and move it there when the block ends without an error.

    A reader, or a process killed at any moment, finds the old content or the new one. What a killed
    process left behind of its new content goes with the next write of the same file (not on
    Windows); what another process is still writing stays.

    Args:
        path: the file to write; its folder is created when it is missing. A symbolic link stays
            one, and what it points to is written.

    Yields:
        A binary file open for writing.

    Raises:
        OSError: the folder cannot be written, the disk is full, or `path` is a device, a pipe or
            another thing that is no file; it is then as it was.
    """
    target, temporary = Path(os.path.realpath(path)), None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target) and not target.is_file():
            raise OSError("it is no regular file")
        _remove_leftovers(target)
        with _new_file(target) as file:
            temporary = Path(file.name)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if target.exists():  # a file that others may not read stays so
                shutil.copymode(target, temporary)
            if fcntl:  # while it is locked: as long as it is there under its own name
                os.replace(temporary, target)
        if not fcntl:  # Windows moves no open file
            os.replace(temporary, target)
    except OSError as error:
        raise OSError(
            f"{path} cannot be written ({error.strerror or error}) and is as it was: free some "
            "space, or name a place that you may write to."
        ) from error
    finally:
        if temporary and temporary.exists():  # as it does not after a success
            temporary.unlink()


def _new_file(target: Path) -> BinaryIO:
    """Open a new file beside `target`, locked until it is closed, by which others see it in use."""
    while True:
        # Not tempfile's, which no other user may read: data are often shared.
        file = open(target.with_name(f"{target.name}.{uuid4().hex}.tmp"), "xb")  # noqa: SIM115
        if _lock(file) and os.path.exists(file.name):
            return file
        file.close()  # another process took it for a leftover before it was locked


def _remove_leftovers(target: Path) -> None:
    """Remove the files beside `target` that a killed process began and nobody has open any more."""
    if not fcntl:
        return
    name = re.compile(re.escape(target.name) + r"\.[0-9a-f]{32}\.tmp")
    for path in [path for path in target.parent.iterdir() if name.fullmatch(path.name)]:
        # An error means: another process was faster, or it is another user's.
        with contextlib.suppress(OSError), open(path, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _lock(file: BinaryIO) -> bool:
    """Lock a file as its writer; False where another process has it, True where there are none."""
    with contextlib.suppress(OSError):  # a file system without locks
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
