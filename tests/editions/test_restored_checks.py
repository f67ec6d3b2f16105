import copy
import functools

import nbformat
import pytest
from tiny_notebooks import code, notebook

from course_utils.editions.grading_metadata import AddGradingMetadata
from course_utils.editions.restored_checks import RestoreChecks, restored_checks

ANSWER = "def f():\n    return 1"


@functools.cache
def release():
    cells = [code("import checks"), code("def f(): ...", "exercise"), code("check(f)", "check")]
    return AddGradingMetadata()(notebook(*cells, code("train()")), {})[0]


def answered():
    cells = copy.deepcopy(release().cells)
    cells[1].source = ANSWER
    return cells


def copy_to_the_end(cells, index, source):
    cells.append(copy.deepcopy(cells[index]))
    cells[-1].source = source


def unlock(cells):
    cells[2].metadata.nbgrader.update(locked=False, solution=True, points=100)
    cells[2].source = "pass"


# What was done to the submission -> how, and the sources that come out.
DONE = {
    "nothing": (lambda cells: None, ["import checks", ANSWER, "check(f)", "train()"]),
    "check edited": (
        lambda cells: cells[2].update(source="pass"),
        ["import checks", ANSWER, "check(f)", "train()"],
    ),
    "check unlocked": (unlock, ["import checks", ANSWER, "check(f)", "train()"]),
    "check deleted": (lambda cells: cells.pop(2), ["import checks", ANSWER, "train()", "check(f)"]),
    "check without metadata": (
        lambda cells: cells[2].update(source="pass", metadata={}),
        ["import checks", ANSWER, "pass", "train()", "check(f)"],
    ),
    "check with broken metadata": (
        lambda cells: cells[2].metadata.update(nbgrader="none"),
        ["import checks", ANSWER, "check(f)", "train()", "check(f)"],
    ),
    "check copied": (
        lambda cells: copy_to_the_end(cells, 2, "pass"),
        ["import checks", ANSWER, "check(f)", "train()", "check(f)"],
    ),
    "exercise copied": (
        lambda cells: copy_to_the_end(cells, 1, "def f(): 2"),
        ["import checks", ANSWER, "check(f)", "train()", "def f(): 2"],
    ),
    "exercise and check deleted": (
        lambda cells: cells.__delitem__(slice(1, 3)),
        ["import checks", "train()", "check(f)"],
    ),
    "all deleted": (lambda cells: cells.clear(), ["check(f)"]),
}


@pytest.mark.parametrize("name", DONE)
def test_restored(name):
    """Is there each check once as it was handed out, and all else as the student left it?"""
    change, expected = DONE[name]
    cells = answered()
    change(cells)
    result = restored_checks(cells, release().cells)
    assert [cell.source for cell in result] == expected
    graded = [cell for cell in result if cell.metadata.get("nbgrader", {}).get("grade")]
    assert graded == [release().cells[2]]
    ids = [cell.metadata.nbgrader.grade_id for cell in result if "nbgrader" in cell.metadata]
    assert len(ids) == len(set(ids))


def test_foreign_cells():
    """Does a cell that poses as one of another assignment count as the student's own?"""
    cells = answered()
    cells[3].metadata["nbgrader"] = {**cells[2].metadata.nbgrader, "grade_id": "check-7"}
    assert "nbgrader" not in restored_checks(cells, release().cells)[3].metadata


@pytest.mark.parametrize("minor", [0, 4, 5])
def test_transformation(tmp_path, minor):
    """Is the release found by the names that nbgrader gives, and the result a valid notebook?"""
    (tmp_path / "lesson").mkdir()
    nbformat.write(release(), tmp_path / "lesson" / "book.ipynb")
    book = notebook(*answered()[:2], code("pass"))
    book.cells[2].id = release().cells[2].id
    book.nbformat_minor = minor
    if minor < 5:
        for cell in book.cells:
            del cell["id"]
    names = {"nbgrader": {"assignment": "lesson", "notebook": "book", "student": "ann"}}
    book, _ = RestoreChecks(release=str(tmp_path))(book, names)
    assert [cell.source for cell in book.cells] == ["import checks", ANSWER, "pass", "check(f)"]
    nbformat.validate(book)
