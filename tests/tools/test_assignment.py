import ast
import builtins
import copy
import functools
import importlib.util
import os
import runpy
import sqlite3
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
from editions import EditionError
from editions.assignment import (
    AddGradingMetadata,
    RestoreChecks,
    SkipLesson,
    configure,
    imports_of,
    main,
    make_assignments,
    restored_checks,
)
from nbformat import v4
from notebook_cells import code_cells, printed
from notebook_exercises import find_exercises, imports_above, solution_as_answer
from tiny_notebooks import REPOSITORY, code, notebook
from traitlets.config import Config

PATHS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
# nbgrader runs in processes of its own: its imports warn, and warnings are errors here.
needs_nbgrader = pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None,
    reason="nbgrader is missing: `make test` installs it, or pip install -e '.[grading]'",
)


def graded(test):
    """Mark a test of what nbgrader makes: four kernels start one after the other."""
    return pytest.mark.slow(pytest.mark.timeout(1800)(needs_nbgrader(test)))


SCORES = """
SELECT submitted_assignment.student_id, SUM(grade.auto_score), COUNT(*)
FROM grade JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
GROUP BY submitted_assignment.student_id
"""
ENDLESS = """
def accuracy(logits, labels):
    while True:
        try:
            sum(range(100_000))
        except:
            pass
"""


def all_exercises():
    """Put the exercises of all lessons into one, without the trainings around them."""
    imports, cells = [], []
    for path in PATHS:
        book = nbformat.read(path, as_version=4)
        for exercise in find_exercises(book):
            imports += [ast.unparse(node) for node in imports_above(book, exercise)]
            cells += book.cells[exercise.stub[0] : exercise.solution[0] + 1]
    first = v4.new_markdown_cell("# 99 · All exercises")
    book = notebook(first, code("\n".join(dict.fromkeys(imports))), *cells)
    return AddGradingMetadata()(book, {})[0]


def find(book, grade_id):
    return next(c for c in book.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def delete(book, *grade_ids):
    gone = [find(book, grade_id) for grade_id in grade_ids]
    book.cells = [cell for cell in book.cells if not any(cell is other for other in gone)]


def right(book, exercises):
    """Answer all, in a way that also writes to stderr, for which nbgrader alone gives no points."""
    for number, exercise in enumerate(exercises, start=1):
        find(book, f"exercise-{number}").source = solution_as_answer(exercise)
    first = find(book, "exercise-1")
    loud = "    import sys\n    print('a warning', file=sys.stderr)\n    return"
    first.source = first.source.replace("    return", loud)


def wrong(book, exercises):
    """Answer all as learners do wrongly, and the first with a loop that never ends."""
    answers = {}
    for path in sorted((REPOSITORY / "tests" / "wrong_answers").glob("lesson_*.py")):
        for source, _ in runpy.run_path(str(path))["WRONG_ANSWERS"].values():
            answers.setdefault(source.partition("def ")[2].partition("(")[0], source)
    for number, exercise in enumerate(exercises, start=1):
        find(book, f"exercise-{number}").source = answers[exercise.name]
    find(book, "exercise-1").source = ENDLESS


def empty(book, exercises):
    """Hand in what was handed out."""


def tampered(book, exercises):
    """Answer the last two rightly and the others wrongly, and do something to seven checks."""
    wrong(book, exercises)
    last = len(exercises)
    for number in (last - 1, last):
        find(book, f"exercise-{number}").source = solution_as_answer(exercises[number - 1])
    find(book, "exercise-1").source = ""
    find(book, "check-2").source = "pass"
    copied = copy.deepcopy(find(book, "check-3"))
    book.cells.append(copied)
    copied.update(source="pass", id="a-copy")
    find(book, "check-4").metadata.pop("nbgrader")
    find(book, "check-5").metadata.nbgrader.update(points=100, locked=False, solution=True)
    find(book, "check-5").source = "pass"
    delete(book, "check-1", "exercise-6", "check-6", f"check-{last}")


COUNT = sum(len(find_exercises(nbformat.read(path, as_version=4))) for path in PATHS)
SUBMISSIONS = {
    change.__name__: (change, points)
    for change, points in ((right, COUNT), (wrong, 0), (empty, 0), (tampered, 2))
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Make the assignments with nbgrader, hand in the submissions, and grade them."""
    folder = tmp_path_factory.mktemp("course")
    book, environment = all_exercises(), {**os.environ, "COURSE_PROGRESS": str(folder / "mine")}
    nbformat.write(book, folder / "exercises.ipynb")
    command = [sys.executable, "-m", "editions.assignment", "--to", str(folder)]
    command += [str(folder / "exercises.ipynb"), str(PATHS[0])]
    tools = {"PYTHONPATH": str(REPOSITORY / "tools")}  # as make sets it; nbgrader has its settings
    subprocess.run(command, cwd=REPOSITORY, env=environment | tools, check=True)
    for name, (change, _) in SUBMISSIONS.items():
        submission = nbformat.read(folder / "release/exercises/exercises.ipynb", as_version=4)
        change(submission, find_exercises(book))
        (folder / "submitted" / name / "exercises").mkdir(parents=True)
        nbformat.write(submission, folder / "submitted" / name / "exercises/exercises.ipynb")
    command = [sys.executable, "-m", "nbgrader", "autograde", "exercises"]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return folder


@graded
def test_release(course):
    """Holds the release stubs that stay and locked checks, and no solution and no output?"""
    for path in (course / "exercises.ipynb", PATHS[0]):
        source = nbformat.read(path, as_version=4)
        release = nbformat.read(course / "release" / path.stem / path.name, as_version=4)
        assert not any("solution" in cell.metadata.get("tags", []) for cell in release.cells)
        assert not any(cell.outputs for cell in code_cells(release))
        exercises, expected = find_exercises(release), find_exercises(source)
        assert len(exercises) == len(expected) > 0
        for exercise, original in zip(exercises, expected, strict=True):
            assert exercise.stub[1].source == original.stub[1].source
            assert exercise.hints == original.hints
            check = exercise.check[1]
            assert check.metadata.editable is False and check.metadata.deletable is False
            assert check.metadata.nbgrader.locked and check.metadata.nbgrader.checksum


@graded
def test_scores(course):
    """Gets each submission exactly its points: right, wrong, empty, and one with edited checks?"""
    database = sqlite3.connect(course / "gradebook.db")
    rows = database.execute(SCORES).fetchall()
    database.close()
    expected = {(name, points, COUNT) for name, (_, points) in SUBMISSIONS.items()}
    assert set(rows) == expected


@graded
def test_graded_notebook(course):
    """Says the graded notebook what is wrong, an endless loop included, and goes on after it?"""
    path = course / "autograded" / "wrong" / "exercises" / "exercises.ipynb"
    texts = [printed(cell) for cell in nbformat.read(path, as_version=4).cells]
    texts = [text for text in texts if "AssertionError" in text]
    assert len(texts) == COUNT
    assert "The function did not end within 5 seconds. Does its loop come to an end?" in texts[0]
    assert "restart the kernel" not in texts[0]
    assert all("not right yet, in case" in text for text in texts)


@graded
def test_teachers_progress(course):
    """Does grading write nothing into the teacher's own progress file?"""
    assert not (course / "mine").exists()


@pytest.fixture
def configs(monkeypatch):
    """Put a stand-in in nbgrader's place, and return the settings that it was started with."""
    configs = []

    class StandIn:
        def __init__(self, config):
            configs.append(config)

        def generate_assignment(self, name):
            return {"success": name != "refused", "log": "its words"}

    monkeypatch.setitem(sys.modules, "nbgrader", types.ModuleType("nbgrader"))
    monkeypatch.setitem(sys.modules, "nbgrader.apps", types.SimpleNamespace(NbGraderAPI=StandIn))
    monkeypatch.setenv("PATH", os.environ["PATH"])
    return configs


def test_settings_are_kept(tmp_path, configs, capsys):
    """Are the teacher's additions to nbgrader's settings kept and used on the next call?"""
    arguments = ["--to", str(tmp_path), str(PATHS[0])]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"1 assignments for the students: {tmp_path / 'release'}\n"
    settings = tmp_path / "nbgrader_config.py"
    settings.write_text(f"{settings.read_text()}c.CourseDirectory.course_id = 'mine'\n")
    changed = settings.read_text()
    assert main(arguments) == 0
    assert settings.read_text() == changed
    assert [config.CourseDirectory.get("course_id") for config in configs] == [None, "mine"]
    assert configs[1].CourseDirectory.root == str(tmp_path)


def test_refusal_by_nbgrader(tmp_path, configs, capsys):
    """Does a lesson that nbgrader itself refuses end the command, with nbgrader's words?"""
    nbformat.write(nbformat.read(PATHS[0], as_version=4), tmp_path / "refused.ipynb")
    assert main(["--to", str(tmp_path / "course"), str(tmp_path / "refused.ipynb")]) == 1
    assert capsys.readouterr().err == "refused.ipynb: nbgrader made no release:\nits words\n"


def test_lessons_of_a_folder(tmp_path):
    """Does nbgrader search a release for the solutions of all lessons of the course folder?"""
    lesson = tmp_path / "source" / "02_x" / "02_x.ipynb"
    lesson.parent.mkdir(parents=True)
    nbformat.write(notebook(code("return 2 * x", "solution")), lesson)
    config = Config()
    configure(config, tmp_path)
    assert config.RefuseLeaks.lines == ["return 2 * x"]
    assert Path(config.RestoreChecks.release) == tmp_path / "release"


def test_refused_lesson(tmp_path, capsys):
    """Is a lesson whose solution would stay refused before anything is written?"""
    nbformat.write(notebook(code("def f(): ...", "exercise", "Solution")), tmp_path / "x.ipynb")
    folder = tmp_path / "course"
    assert main(["--to", str(folder), str(tmp_path / "x.ipynb")]) == 1
    assert "x.ipynb: Cell 0 has the tag 'Solution'" in capsys.readouterr().err
    assert not folder.exists()


def test_without_nbgrader(tmp_path, monkeypatch):
    """Says a sentence what to do where nbgrader is missing, with nothing written?"""
    monkeypatch.setitem(sys.modules, "nbgrader.apps", None)
    with pytest.raises(EditionError, match="make assignment"):
        make_assignments(PATHS[:1], tmp_path / "course")
    assert not (tmp_path / "course").exists()


EXERCISE = {"grade": False, "locked": False, "solution": True, "task": False, "schema_version": 3}
CHECK = {"grade": True, "locked": True, "solution": False, "task": False, "schema_version": 3}


def two_exercises():
    parts = [("def f(): ...", "exercise"), ("check(f)", "check"), ("def f_solution(): ...", "x")]
    return notebook(v4.new_markdown_cell("# 02 · A lesson"), *(code(*part) for part in parts * 2))


def test_metadata():
    """Is the tags' metadata written, a stale one removed, and all else left as it is?"""
    book = two_exercises()
    before = copy.deepcopy(book)
    book.cells[0].metadata["nbgrader"] = {"grade_id": "stale"}
    book.cells[2].metadata["nbgrader"] = {"grade_id": "check-9", "points": 100}
    for _ in range(2):
        book, _ = AddGradingMetadata()(book, {})
        cells = enumerate(book.cells)
        assert {i: c.metadata.nbgrader for i, c in cells if "nbgrader" in c.metadata} == {
            1: {**EXERCISE, "grade_id": "exercise-1"},
            2: {**CHECK, "grade_id": "check-1", "points": 1},
            4: {**EXERCISE, "grade_id": "exercise-2"},
            5: {**CHECK, "grade_id": "check-2", "points": 1},
        }
    for cell in book.cells:
        cell.metadata.pop("nbgrader", None)
    assert book == before


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
def test_transformation_restored_checks(tmp_path, minor):
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


def test_the_lesson_is_not_run_again(tmp_path):
    """Does grading run exercise, check, imports and a student's own cells, and no other?"""
    lesson = [
        code("import math\n\nmodel = train()"),
        code("def f(): ...", "exercise"),
        code("check(f)", "check"),
        code("plot(model)\nimport os"),
    ]
    book = AddGradingMetadata()(notebook(*lesson), {})[0]
    release = tmp_path / "release" / "x" / "x.ipynb"
    release.parent.mkdir(parents=True)
    nbformat.write(book, release)
    submission = copy.deepcopy(book)
    submission.cells[1].source = "def f(): return helper()"
    submission.cells.insert(1, code("helper = int"))
    step = SkipLesson(release=str(tmp_path / "release"))
    names = {"nbgrader": {"assignment": "x", "notebook": "x"}}
    graded_book, _ = step.preprocess(submission, names)
    run = [
        c.source for c in graded_book.cells if "skip-execution" not in c.metadata.get("tags", [])
    ]
    assert run == ["import math\nimport os", "helper = int", "def f(): return helper()", "check(f)"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_checks_need_imports_alone(path):
    """Does each check run after its exercise and the lesson's imports alone, as grading runs it?"""
    book = nbformat.read(path, as_version=4)
    names = set(dir(builtins))
    for line in imports_of([cell.source for cell in code_cells(book)]):
        names |= {alias.asname or alias.name for alias in ast.parse(line).body[0].names}
    for exercise in find_exercises(book):
        tree = ast.parse(f"{exercise.stub[1].source}\n{exercise.check[1].source}")
        nodes = list(ast.walk(tree))
        own = {n.name for n in nodes if isinstance(n, ast.FunctionDef)}
        own |= {n.arg for n in nodes if isinstance(n, ast.arg)}
        own |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        used = {n.id for n in nodes if isinstance(n, ast.Name)}
        assert used <= names | own, used - names - own
