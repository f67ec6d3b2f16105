"""Files that are whole: the old one or the new one, never half of each; and results in one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from filelock import FileLock


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


class ResultFile:
    """The results of experiments as `{experiment: {run: result}}`.

    A result is in the file, whole, as soon as `add` returns; a kill at any moment loses none.

    Args:
        path: the file; where there is none, there are no results yet.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def read(self) -> dict[str, dict[str, dict]]:
        """Return all results.

        Raises:
            ValueError: the file is no such JSON.
        """
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise self._unreadable(error) from error
        if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
            raise self._unreadable("it does not hold results by experiment and run")
        return content

    def add(self, experiment: str, run: str, result: dict) -> None:
        """Keep one result beside those that this and other processes have added.

        Raises:
            ValueError: the file is no such JSON; it is then as it was.
            OSError: the folder cannot be written, or the disk is full; likewise.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"The folder of {self.path} cannot be made ({error.strerror}): name a place that "
                "you may write to."
            ) from error
        with FileLock(self.path.with_name(self.path.name + ".lock")):
            content = self.read()
            content.setdefault(experiment, {})[run] = result
            text = json.dumps(content, indent=1, sort_keys=True)
            with atomic_write(self.path) as file:
                file.write(f"{text}\n".encode())

    def _unreadable(self, reason) -> ValueError:
        return ValueError(
            f"{self.path} is damaged, or is no file of results ({reason}): put a sound copy in its "
            "place, or delete it to start afresh."
        )
