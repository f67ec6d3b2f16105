"""The learner's progress over all lessons: predictions, exercises and quiz answers, in one file.

The file is the learner's own, `~/.course_progress.json` or what `COURSE_PROGRESS` names; it is
plain JSON, `{lesson: {kind: {name: value}}}`. Several notebooks may write to it at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from course_utils._files import atomic_write
from course_utils._validate import check_type
from course_utils.profiles import is_graded

KINDS = ("predictions", "exercises", "quiz")

_unsaved: list[tuple] = []  # what could not be written: kept for this session, tried again
_warned: set[str] = set()


def progress_path() -> Path:
    """Name the progress file: `COURSE_PROGRESS`, or `.course_progress.json` in the home folder."""
    return Path(os.environ.get("COURSE_PROGRESS") or "~/.course_progress.json").expanduser()


def record(lesson: str, kind: str, name: str, value) -> bool:
    """Keep one entry, in place of an older one of the same name.

    Where the file cannot be written, one sentence on stderr says so, the entry is kept until the
    kernel ends, and the lesson goes on. Where nbgrader runs the notebook the same holds without the
    sentence, as the file is the teacher's own.

    Args:
        lesson: the lesson's number, as "02".
        kind: one of `KINDS`.
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
            f"Your progress cannot be kept in {path} ({error.__cause__ or error}): the lesson goes "
            "on without; to keep it, set COURSE_PROGRESS to a file that you may write."
        )
        return False
    _unsaved.clear()
    return True


def load() -> dict[str, dict[str, dict]]:
    """Return all progress as `{lesson: {kind: {name: value}}}`, empty where there is none yet.

    A damaged file is set aside as `….damaged`, with one sentence on stderr.
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
        _warn_once(f"Your progress in {path} cannot be read ({error}): the lesson goes on without.")
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


def _lock(path: Path) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(path.name + ".lock"), timeout=10)


def _with_unsaved(lessons: dict) -> dict:
    for lesson, kind, name, value in _unsaved:
        lessons.setdefault(lesson, {}).setdefault(kind, {})[name] = value
    return lessons


def _read(path: Path) -> dict:
    """Read the file under its lock; set it aside, under a free name, when it is damaged."""
    lessons = _parse(path)
    if lessons is not None:
        return lessons
    aside, number = path.with_name(path.name + ".damaged"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged{number}")
    os.replace(path, aside)
    _warn_once(f"The progress file {path} is damaged: it is kept as {aside}, a new one begins.")
    return {}


def _parse(path: Path) -> dict | None:
    """Return the file's content, {} where there is no file, None where it is damaged."""
    try:
        lessons = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        return None
    nested = isinstance(lessons, dict) and all(
        isinstance(kinds, dict) and all(isinstance(entries, dict) for entries in kinds.values())
        for kinds in lessons.values()
    )
    return lessons if nested else None


def _warn_once(sentence: str) -> None:
    if sentence not in _warned:
        _warned.add(sentence)
        print(sentence, file=sys.stderr)
