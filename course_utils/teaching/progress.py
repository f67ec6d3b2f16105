"""The learner's progress over all lessons: predictions, exercises and quiz answers, in one file.

The file is the learner's own, `~/.course_progress.json` or what `COURSE_PROGRESS` names; it is
plain JSON, `{lesson: {kind: {name: value}}}`. Several notebooks may write to it at once.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from course_utils._files import atomic_write
from course_utils._validate import check_type
from course_utils.profiles import is_graded

_PATIENCE = 10  # seconds
KINDS = ("predictions", "exercises", "quiz")

# How a file begins that a version of this module wrote; a crash may leave zeros, or nothing.
_OURS = re.compile(rb'[\s\0]*(\{\s*("[0-9].*)?)?', re.DOTALL)

_unsaved: list[tuple] = []  # what could not be written: kept for this session, tried again
_warned: set[str] = set()


def progress_path() -> Path:
    """Name the progress file: `COURSE_PROGRESS`, or `.course_progress.json` in the home folder.

    An empty `COURSE_PROGRESS` counts as unset. A home folder that is not known stays `~`.
    """
    return Path(os.path.expanduser(os.environ.get("COURSE_PROGRESS") or "~/.course_progress.json"))


def record(lesson: str, kind: str, name: str, value) -> bool:
    """Keep one entry, in place of an older one of the same name.

    Where the file cannot be written, or holds what this version of the course cannot read, it stays
    as it is: one sentence on stderr says so, the entry is kept until the kernel ends, and the
    lesson goes on. Where nbgrader runs the notebook the same holds without the sentence, as the
    file is the teacher's own.

    Args:
        lesson: the lesson's number, as "02".
        kind: one of `KINDS`, "mistakes" of an exercise, or "leaderboard" of lesson 10.
        name: of the question or the exercise.
        value: anything that JSON can hold.

    Returns:
        Whether the entry is in the file.
    """
    _unsaved.append((lesson, kind, name, value))
    if is_graded():
        return False
    path = progress_path()
    try:
        with _lock(path):
            lessons = _with_unsaved(_read(path))
            text = json.dumps(lessons, indent=2, sort_keys=True, ensure_ascii=False)
            with atomic_write(path) as file:
                file.write(text.encode("utf-8"))
    except (OSError, NotImplementedError) as error:  # the latter: a file system without locks
        _warn_once(
            _in_words(error, path)
            or f"Your progress cannot be kept in {path} ({error.__cause__ or error}): the lesson "
            "goes on without; to keep it, set COURSE_PROGRESS to a file that you may write."
        )
        return False
    _unsaved.clear()
    return True


def load() -> dict[str, dict[str, dict]]:
    """Return all progress as `{lesson: {kind: {name: value}}}`, empty where there is none yet.

    A damaged file is set aside as `….damaged`, with one sentence on stderr. What is no progress
    file, or one that a newer version of the course wrote, stays where it is, likewise.
    """
    if is_graded():
        return _with_unsaved({})
    path = progress_path()
    try:
        lessons = _parse(path)
        if lessons is None:
            with _lock(path):  # only one of several readers sets it aside
                lessons = _read(path)
    except (OSError, NotImplementedError) as error:
        _warn_once(
            _in_words(error, path)
            or f"Your progress in {path} cannot be read ({error}): the lesson goes on without."
        )
        lessons = {}
    return _with_unsaved(lessons)


def progress_table(titles: Mapping[str, str]) -> str:
    """Lay progress out as a plain-text table, one row a lesson.

    Args:
        titles: lesson number -> title, in the order of the rows.

    Raises:
        TypeError: the titles are no mapping.
    """
    check_type("titles", titles, Mapping)
    lessons = load()
    width = max([len("lesson"), *(len(title) for title in titles.values())])
    rows = [f"no  {'lesson':{width}}  predictions made  exercises passed  quiz right"]
    for number, title in titles.items():
        predictions, exercises, quiz = (lessons.get(number, {}).get(kind, {}) for kind in KINDS)
        right = sum(bool(isinstance(item, dict) and item.get("right")) for item in quiz.values())
        cells = (len(predictions), len(exercises), f"{right} of {len(quiz)}" if quiz else 0)
        made, passed, answered = (str(cell or "-") for cell in cells)
        rows.append(f"{number:2}  {title:{width}}  {made:16}  {passed:16}  {answered}")
    return "\n".join(rows)


class _ForeignError(OSError):
    """What lies in the progress file's place is not this version's to read or to replace."""


def _in_words(error: Exception, path: Path) -> str | None:
    """Say what is the matter, where it is another thing than a right or a full disk."""
    if isinstance(error, Timeout):
        return (
            f"Another program has held {error.lock_file} for {_PATIENCE} seconds: your answers are "
            "kept in this notebook and written with the next one; close that program."
        )
    return f"{path} {error}" if isinstance(error, _ForeignError) else None


def _lock(path: Path) -> FileLock:
    _check_kind(path)
    path = Path(os.path.realpath(path))  # the same lock by whatever name
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(path.name + ".lock"), timeout=_PATIENCE)


def _with_unsaved(lessons: dict) -> dict:
    for lesson, kind, name, value in _unsaved:
        lessons.setdefault(lesson, {}).setdefault(kind, {})[name] = value
    return lessons


def _read(path: Path) -> dict:
    """Read the file under its lock; set it aside, under a free name, when it is damaged."""
    lessons = _parse(path)
    if lessons is not None:
        return lessons
    path = Path(os.path.realpath(path))  # a link stays one
    aside, number = path.with_name(path.name + ".damaged"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged{number}")
    os.replace(path, aside)
    _warn_once(f"The progress file {path} is damaged: it is kept as {aside}, a new one begins.")
    return {}


def _parse(path: Path) -> dict | None:
    """Return the file's content, {} where there is no file, None where it is ours and damaged."""
    _check_kind(path)
    try:
        content = path.read_bytes()
        lessons = json.loads(content.decode("utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        if _OURS.fullmatch(content):
            return None
        raise _ForeignError(
            "is no progress file, and stays as it is: your answers are kept until this notebook "
            "ends; to keep them longer, set COURSE_PROGRESS to another file."
        ) from error
    nested = isinstance(lessons, dict) and all(
        isinstance(kinds, dict) and all(isinstance(entries, dict) for entries in kinds.values())
        for kinds in lessons.values()
    )
    if not nested:  # whole, so that no crash made it: another hand, or a newer version, did
        raise _ForeignError(
            "is a progress file of a newer version of the course, or none at all, and stays as it "
            "is: your answers are kept until this notebook ends; update the course, or set "
            "COURSE_PROGRESS to another file."
        )
    return lessons


def _check_kind(path: Path) -> None:
    """Refuse what no progress file can be: reading a pipe or a device may never end."""
    if str(path).startswith("~"):
        raise _ForeignError(
            "is in a home folder that is not known: your answers are kept until this notebook "
            "ends; to keep them longer, set COURSE_PROGRESS to a file."
        )
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise _ForeignError(
            "is a device or a pipe, and stays as it is: your answers are kept until this notebook "
            "ends; to keep them longer, set COURSE_PROGRESS to a file."
        )


def _warn_once(sentence: str) -> None:
    if sentence not in _warned:
        _warned.add(sentence)
        print(sentence, file=sys.stderr)
