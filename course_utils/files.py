"""Files that are either the old one or the new one, never half of each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


@contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` and move it there when the block ends without an error.

    A reader, or a process killed at any moment, finds the old content or the new one.

    Args:
        path: the file to write; its folder is created when it is missing.

    Yields:
        A binary file open for writing.

    Raises:
        OSError: the folder cannot be written, or the disk is full; `path` is then as it was.
    """
    path = Path(path)
    # Not tempfile's, which no other user may read: data are often shared.
    temporary = path.with_name(f"{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():  # a file that others may not read stays so
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(
            f"{path} cannot be written ({error.strerror or error}) and is as it was: free some "
            "space, or name a place that you may write to."
        ) from error
    finally:
        if temporary.exists():  # as it does not after a success
            temporary.unlink()
