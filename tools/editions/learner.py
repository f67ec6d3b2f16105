"""A learner's own copy of the lessons, without stored outputs; `make lab` opens it.

    PYTHONPATH=tools python -m editions.learner [--to FOLDER] [--reset 04] [notebook ...]

Nothing that is there is overwritten: a lesson is written where it is missing, and `--reset` puts
the old one aside first. Where the course has a newer edition of a lesson, a line says so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor
from nbformat import NotebookNode

from course_utils._files import atomic_write
from editions import EditionError
from editions.committed import read_lessons
from editions.student import ClearWidgetStates, RemoveSolutions

EDITIONS = ".editions.json"  # lesson -> hash of the edition that was handed out
ROOT = Path(__file__).resolve().parents[2]
PAGES = ("glossary", "full_profile", "common_errors")  # of docs/, to which lessons lead


def learner_edition(lesson: NotebookNode, *, solutions: bool = True) -> str:
    """Return a lesson without outputs, its links leading to files of the learner's folder.

    Args:
        lesson: changed in place.
        solutions: keep them, folded.
    """
    steps = [ClearOutputPreprocessor(enabled=True), ClearWidgetStates()]
    for step in steps if solutions else [RemoveSolutions(), *steps]:
        lesson, _ = step.preprocess(lesson, {})
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("](../docs/", "](")
    return nbformat.writes(lesson)


def learner_page(text: str) -> str:
    """Return a page of docs/ whose links lead to files of the learner's folder, or are none."""

    def link(match: re.Match) -> str:
        return match[0] if Path(match[2]).stem in PAGES else match[1]

    return re.sub(r"\[([^]]+)\]\(([\w/.]+\.md)\)", link, text.replace("](../notebooks/", "]("))


def update(
    paths: Sequence[Path], folder: Path, *, reset: str | None = None, solutions: bool = True
) -> list[str]:
    """Write the lessons that are missing in a learner's folder.

    Args:
        paths: the course's notebooks.
        folder: the learner's own; made where it is missing.
        reset: number of a lesson, as "04", to be brought back; the present one is kept beside it.
        solutions: keep them, folded.

    Returns:
        Sentences for the learner.

    Raises:
        EditionError: there is no lesson of that number.
        OSError: the folder cannot be written.
    """
    lessons = read_lessons(paths)
    if reset and not any(name.startswith(f"{reset}_") for name in lessons):
        numbers = ", ".join(sorted(name.partition("_")[0] for name in lessons))
        raise EditionError(f"There is no lesson {reset!r} to bring back: give one of {numbers}.")
    handed_out, sentences = _handed_out(folder), []
    for name, lesson in sorted(lessons.items()):
        text, target = learner_edition(lesson, solutions=solutions), folder / name
        edition = hashlib.sha256(text.encode()).hexdigest()
        if reset and name.startswith(f"{reset}_") and target.exists():
            kept = _put_aside(target)
            sentences.append(f"{name} is as at the start again; yours is kept as {kept.name}.")
        if not target.exists():
            _write(target, text)
            handed_out[name] = edition
        elif handed_out.get(name) != edition:
            number = name.partition("_")[0]
            sentences.append(
                f"{name} has a newer edition: `make lab RESET={number}` brings it, and keeps yours."
            )
    for page in PAGES:
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        _write(folder / f"{page}.md", learner_page(text))
    _write(folder / EDITIONS, json.dumps(handed_out, indent=1))
    return sentences


def _handed_out(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / EDITIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _put_aside(path: Path) -> Path:
    taken = [
        int(match[1])
        for other in path.parent.iterdir()
        if (match := re.fullmatch(rf"{re.escape(path.stem)}_mine_(\d+)\.ipynb", other.name))
    ]
    return path.rename(path.with_name(f"{path.stem}_mine_{max(taken, default=0) + 1}.ipynb"))


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as file:
        file.write(text.encode("utf-8"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Make or complete the copy; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    home = os.environ.get("COURSE_HOME") or "my_course"
    parser.add_argument("--to", type=Path, default=Path(home), metavar="FOLDER")
    parser.add_argument("--reset", metavar="NUMBER", help="bring one lesson back")
    parser.add_argument("--no-solutions", action="store_true", help="leave the solutions out")
    parser.add_argument("notebooks", type=Path, nargs="*", help="by default the course's own")
    options = parser.parse_args(arguments)
    try:
        sentences = update(
            options.notebooks or sorted(ROOT.glob("notebooks/*.ipynb")),
            options.to,
            reset=options.reset or None,
            solutions=not options.no_solutions,
        )
    except (EditionError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join([*sentences, f"Your own copy of the lessons: {options.to}"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
