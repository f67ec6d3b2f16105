"""Command that makes a new lesson's skeleton: a notebook that runs, its exercise, wrong answers.

    python tools/new_lesson.py 11 warm_restarts

The skeleton is copied from tools/lesson_template, and keeps every rule once it is executed. The
template's notebook has the number NN and cannot run, so that it ends in .in and is none to Jupyter,
ruff and nbval. What to write yourself is marked "To write".
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from editions.colab import read_project, repository_address

from course_utils._files import atomic_write

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "tools" / "lesson_template"
PLACES = {
    "lesson.ipynb.in": "notebooks/{number}_{name}.ipynb",
    "exercise.py": "course_utils/lessons/exercise_{number}.py",
    "wrong_answers.py": "tests/wrong_answers/lesson_{number}.py",
}
NEXT_STEPS = """\
Next:
1. Put it on the map: LESSONS in course_utils/lessons/course_map.py, the table of lessons in
   README.md, LESSONS in tests/lessons/test_exercises_of_lessons.py; then `make execute
   NOTEBOOKS=notebooks/00_start_here.ipynb`, which prints the map.
2. Write what is marked "To write"; add a section to docs/teaching.md.
3. make execute NOTEBOOKS={notebook}
4. pytest tests/notebooks/test_notebook_rules.py {notebook}"""


def make_lesson(number: str, name: str, *, root: Path = ROOT) -> list[Path]:
    """Write the skeleton's files, and return where they are.

    Args:
        number: of the lesson, two digits.
        name: of the lesson, in lower case with underscores; "warm_restarts" becomes the title
            "Warm restarts".
        root: the repository.

    Raises:
        ValueError: the number or the name has another form.
        FileExistsError: a file of this lesson is there already; nothing is written then.
    """
    if not re.fullmatch(r"\d\d", number):
        raise ValueError(f"The number is {number!r}, but must be two digits, such as 10.")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ValueError(
            f"The name is {name!r}, but must be words in lower case joined by underscores, such as "
            "warm_restarts."
        )
    targets = {
        source: root / place.format(number=number, name=name) for source, place in PLACES.items()
    }
    there = [*(root / "notebooks").glob(f"{number}_*.ipynb")]
    there += [path for path in targets.values() if path.exists()]
    if there:
        raise FileExistsError(
            f"Lesson {number} is there already ({there[0].relative_to(root)}): take a free number."
        )
    title = name.replace("_", " ").capitalize()
    address = repository_address(read_project(TEMPLATE.parents[1] / "pyproject.toml"))
    for source, target in targets.items():
        text = (TEMPLATE / source).read_text(encoding="utf-8")
        text = re.sub(r"\bNN\b|(?<=_|0)NN\b", number, text)
        text = text.replace("TITLE", title).replace("REPOSITORY", address)
        with atomic_write(target) as file:
            file.write(text.encode())
    return list(targets.values())


def main(arguments: list[str]) -> int:
    """Make the lesson and say what comes next; 1 with one sentence where it cannot be made."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("number")
    parser.add_argument("name")
    options = parser.parse_args(arguments)
    try:
        paths = [path.relative_to(ROOT) for path in make_lesson(options.number, options.name)]
    except (ValueError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 1
    print("Made:", *paths, sep="\n  ")
    print(NEXT_STEPS.format(notebook=paths[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
