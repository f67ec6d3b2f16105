"""A class from hand-out to report: every command that a teacher types, with thirty submissions."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import nbformat
import pytest
from editions.assignment import AddGradingMetadata
from editions.class_report import main as report
from nbformat import v4
from notebook_cells import tags
from notebook_exercises import find_exercises, solution_as_answer
from tiny_notebooks import REPOSITORY, code, notebook

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SECONDS_A_STUDENT = 20
STUDENTS = [f"student-{number:02}" for number in range(15)]
ANSWERS = ("return 2 * x", "return x + 2", None)  # right, wrong, not done: five students each
GRADES = """
SELECT assignment.name, submitted_assignment.student_id, grade.auto_score
FROM grade JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
JOIN assignment ON assignment.id = submitted_assignment.assignment_id
"""


def make_course(folder, *lessons):
    """Hand lessons out, as `make assignment` does."""
    pytest.importorskip("nbgrader")
    command = [sys.executable, "-m", "editions.assignment", "--to", str(folder / "course")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "tools")}
    subprocess.run([*command, *map(str, lessons)], env=environment, check=True)
    return folder / "course"


def grade(course, lesson):
    """Grade a lesson's submissions, as a teacher types it."""
    command = [sys.executable, "-m", "nbgrader", "autograde", lesson]
    subprocess.run(command, cwd=course, check=True, capture_output=True)


def hand_in(course, student, lesson, change):
    """Hand in what was handed out, after a student's change of it."""
    book = nbformat.read(course / "release" / lesson / f"{lesson}.ipynb", as_version=4)
    change(book)
    folder = course / "submitted" / student / lesson
    folder.mkdir(parents=True)
    nbformat.write(book, folder / f"{lesson}.ipynb")


def tiny_lesson(number):
    """Make a lesson whose check needs nothing but Python, and whose training would never end."""
    name = f"double_{number}"
    book = notebook(
        v4.new_markdown_cell(f"# {number} · Doubling"),
        code(f'predict("{number}", "twice 21", None, unit="")'),
        code(f"def {name}(x):\n    raise NotImplementedError", "exercise"),
        code(
            f"try:\n    assert {name}(5) == 10, '{name}: not right yet.\\nTwo times x.'\n"
            f"except NotImplementedError:\n    raise AssertionError('{name}: not attempted yet.')\n"
            f"print('{name}: passed')",
            "check",
        ),
        code(f"def {name}_solution(x):\n    return 2 * x", "solution"),
        code("while True: pass"),
    )
    return AddGradingMetadata()(book, {})[0]


def test_thirty_submissions(tmp_path, capsys):
    """Are thirty submissions of two lessons graded, each with its points, and is the class told?

    Hand-out, collection, nbgrader and the class's report are the real ones, with a kernel for each
    submission. Only the lessons are tiny: their checks do without PyTorch, whose import is most of
    what a real lesson's grading takes (the next test has one).
    """
    lessons = [tmp_path / f"{number}_double.ipynb" for number in ("01", "02")]
    for path in lessons:
        nbformat.write(tiny_lesson(path.stem[:2]), path)
    course = make_course(tmp_path, *lessons)

    for path in lessons:
        for number, student in enumerate(STUDENTS):
            answer = ANSWERS[number % 3]

            def change(book, answer=answer, number=number):
                book.cells[1].source = book.cells[1].source.replace("None", str(40 + number))
                if answer:
                    stub = book.cells[2]
                    stub.source = stub.source.replace("raise NotImplementedError", answer)

            hand_in(course, student, path.stem, change)
        grade(course, path.stem)

    with closing(sqlite3.connect(course / "gradebook.db")) as database:
        rows = {(lesson, student): points for lesson, student, points in database.execute(GRADES)}
    assert rows == {
        (path.stem, student): float(number % 3 == 0)
        for path in lessons
        for number, student in enumerate(STUDENTS)
    }
    assert report(["--from", str(course), "--to", str(tmp_path / "wall")]) == 0
    told = capsys.readouterr().out
    assert told.count("1/1    1/1") == 5 and told.count("0/1    0/1") == 10
    assert "5 x  lesson 01, double_01: Two times x." in told
    assert len(list((tmp_path / "wall").glob("*.png"))) == 2


def test_seconds_a_student(tmp_path):
    """Does a real lesson take a student's grading less than 20 seconds of the processor?"""
    resource = pytest.importorskip("resource")
    path = REPOSITORY / "notebooks" / "02_lr_finder.ipynb"
    course = make_course(tmp_path, path)
    exercises = find_exercises(nbformat.read(path, as_version=4))

    def solve(book):
        stubs = (cell for cell in book.cells if "exercise" in tags(cell))
        for cell, exercise in zip(stubs, exercises, strict=True):
            cell.source = solution_as_answer(exercise)

    hand_in(course, "ann", path.stem, solve)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    grade(course, path.stem)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = sum(getattr(after, kind) - getattr(before, kind) for kind in ("ru_utime", "ru_stime"))
    with closing(sqlite3.connect(course / "gradebook.db")) as database:
        assert {points for *_, points in database.execute(GRADES)} == {1.0}
    assert 1 < seconds < SECONDS_A_STUDENT
