import copy

from nbformat import v4
from tiny_notebooks import code, notebook

from course_utils.editions.grading_metadata import AddGradingMetadata, grading_metadata

EXERCISE = {"grade": False, "locked": False, "solution": True, "task": False, "schema_version": 3}
CHECK = {"grade": True, "locked": True, "solution": False, "task": False, "schema_version": 3}


def two_exercises():
    parts = [("def f(): ...", "exercise"), ("check(f)", "check"), ("def f_solution(): ...", "x")]
    return notebook(v4.new_markdown_cell("# 02 · A lesson"), *(code(*part) for part in parts * 2))


def test_metadata():
    """Is each exercise the student's to edit, and each check locked, with its points?"""
    assert grading_metadata(two_exercises()) == {
        1: {**EXERCISE, "grade_id": "exercise-1"},
        2: {**CHECK, "grade_id": "check-1", "points": 1},
        4: {**EXERCISE, "grade_id": "exercise-2"},
        5: {**CHECK, "grade_id": "check-2", "points": 1},
    }


def test_transformation():
    """Is the metadata written, stale metadata removed, and all else left as it is?"""
    book = two_exercises()
    before = copy.deepcopy(book)
    book.cells[0].metadata["nbgrader"] = {"grade_id": "stale"}
    book.cells[2].metadata["nbgrader"] = {"grade_id": "check-9", "points": 100}
    for _ in range(2):
        book, _ = AddGradingMetadata()(book, {})
        found = {
            i: c.metadata.nbgrader for i, c in enumerate(book.cells) if "nbgrader" in c.metadata
        }
        assert found == grading_metadata(before)
    for cell in book.cells:
        cell.metadata.pop("nbgrader", None)
    assert book == before
