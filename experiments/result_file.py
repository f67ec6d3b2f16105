"""The results of a command in one file of JSON, which several processes may add to."""

from __future__ import annotations

import json
from pathlib import Path

from filelock import FileLock

from course_utils._files import atomic_write


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
