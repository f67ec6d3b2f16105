"""The class at a glance: who has done what, which mistakes were made most, what was predicted.

    PYTHONPATH=tools python -m editions.class_report --from FOLDER [--to FOLDER]

The first folder is nbgrader's course folder (`make assignment`; after `nbgrader autograde`), or one
with learners' progress files, NAME.json. Printed are two tables; the second folder gets a histogram
of each prediction as a picture, to be put on the wall before anything is run.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat

from course_utils._files import atomic_write
from course_utils.plotting import use_course_style
from editions import EditionError

# learner -> lesson -> kind -> name -> value, as in a progress file
Class = dict[str, dict[str, dict[str, dict]]]


def read_class(folder: Path) -> Class:
    """Read nbgrader's course folder, or a folder of progress files.

    Raises:
        EditionError: there is neither.
    """
    learners: Class = {}
    for path in sorted(folder.glob("*.json")):
        try:
            learners[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            print(f"{path.name} is no progress file: left out.", file=sys.stderr)
    for kind in ("submitted", "autograded"):
        for path in sorted(folder.glob(f"{kind}/*/*/*.ipynb")):
            student, lesson = path.parts[-3], path.stem.partition("_")[0]
            entry = learners.setdefault(student, {}).setdefault(lesson, {})
            for name, found in _in_notebook(path).items():
                entry.setdefault(name, {}).update(found)
    if not learners:
        raise EditionError(
            f"{folder} holds no learner: give a folder of progress files (NAME.json), or "
            "nbgrader's course folder with submitted/STUDENT/LESSON/LESSON.ipynb."
        )
    return learners


def _in_notebook(path: Path) -> dict[str, dict]:
    """Return the guesses in a submission, and what its checks said where it was graded."""
    found: dict[str, dict] = {"predictions": {}, "exercises": {}, "mistakes": {}}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        found["predictions"] |= _guesses(cell.source)
        for output in cell.get("outputs", []):
            said = output.get("evalue", output.get("text", ""))
            name, _, words = said.partition(": ")
            if words.startswith("passed"):
                found["exercises"][name] = True
            elif words.startswith("not right yet"):
                found["mistakes"][f"{name}: {words.strip().splitlines()[-1]}"] = True
    return found


def _guesses(source: str) -> dict[str, dict]:
    try:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return {}
    found = {}
    for call in calls:
        if getattr(call.func, "id", "") == "predict" and len(call.args) > 2:
            question, guess = (getattr(argument, "value", None) for argument in call.args[1:3])
            units = [k.value.value for k in call.keywords if k.arg == "unit"]
            if guess is not None:
                found[question] = {"guess": guess, "unit": units[0] if units else ""}
    return found


def done_table(learners: Class) -> str:
    """Lay out who has passed how many exercises and made how many predictions in each lesson."""
    lessons = sorted({lesson for own in learners.values() for lesson in own})
    width = max(len("learner"), *(len(name) for name in learners))
    rows = ["  ".join([f"{'learner':{width}}", *(f"{lesson:>5}" for lesson in lessons)])]
    for name, own in sorted(learners.items()):
        counts = [
            [len(own.get(lesson, {}).get(kind, {})) for kind in ("exercises", "predictions")]
            for lesson in lessons
        ]
        cells = (f"{passed}/{guessed}" if passed or guessed else "-" for passed, guessed in counts)
        rows.append("  ".join([f"{name:{width}}", *(f"{cell:>5}" for cell in cells)]))
    return "\n".join([*rows, "(exercises passed / predictions made)"])


def mistakes_table(learners: Class, most: int = 15) -> str:
    """List what the checks said most, and to how many learners."""
    said = Counter(
        (lesson, words)
        for own in learners.values()
        for lesson, kinds in own.items()
        for words in kinds.get("mistakes", {})
    )
    rows = [f"{n:3} x  lesson {lesson}, {words}" for (lesson, words), n in said.most_common(most)]
    return "\n".join(["Said most by the checks:", *rows]) if rows else "No check has failed."


def draw_predictions(learners: Class, folder: Path) -> list[Path]:
    """Draw a histogram of the class's guesses for each question; return the pictures' paths."""
    guesses: dict[tuple, list] = {}
    for own in learners.values():
        for lesson, kinds in own.items():
            for question, entry in kinds.get("predictions", {}).items():
                key = (lesson, question, entry.get("unit", ""))
                guesses.setdefault(key, []).append(entry.get("guess"))
    use_course_style()
    paths = []
    for number, ((lesson, question, unit), values) in enumerate(sorted(guesses.items()), 1):
        numbers = [value for value in values if isinstance(value, int | float)]
        fig, ax = plt.subplots(figsize=(6, 3.5))
        if len(numbers) == len(values):
            ax.hist(numbers, bins=10, edgecolor="white")
            ax.set_xlabel(f"guess ({unit})" if unit else "guess")
        else:
            names, counts = zip(*Counter(map(str, values)).most_common(), strict=True)
            ax.barh(names, counts)
            ax.set_xlabel("learners")
        ax.set_title(f"Lesson {lesson}: {question}, {len(values)} guesses")
        paths.append(folder / f"{lesson}_prediction_{number}.png")
        with atomic_write(paths[-1]) as file:
            fig.savefig(file, format="png", dpi=150)
        plt.close(fig)
    return paths


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables and draw the pictures; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--from", type=Path, required=True, metavar="FOLDER", dest="folder")
    parser.add_argument("--to", type=Path, default=Path("build/class"), metavar="FOLDER")
    options = parser.parse_args(arguments)
    try:
        learners = read_class(options.folder)
        print(done_table(learners), mistakes_table(learners), sep="\n\n")
        paths = draw_predictions(learners, options.to)
    except (EditionError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{len(paths)} predictions drawn: {options.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
