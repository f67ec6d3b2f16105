import copy
import runpy
from pathlib import Path

import pytest
from editions.assignment import AddGradingMetadata
from nbformat import v4
from notebook_cells import lesson_number, tags
from notebook_exercises import (
    NOT_ATTEMPTED,
    PASSED,
    find_exercises,
    run_exercise,
    solution_as_answer,
    stub_name,
)
from notebook_rules import RULES, SECTIONS, breaches, read
from tiny_notebooks import REPOSITORY, code, notebook

PATHS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
TABLE = "no  claim\n--  -----\n 1  a claim\n 2  another\n"
HINT = "<details><summary>Hint</summary>\n\nThink.\n</details>"
CHECK = "from course_utils.teaching import check\ncheck(double, EXERCISE);"
SOLUTION = "def double_solution(x):\n    return 2 * x"


def figure():
    data = {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}
    return v4.new_code_cell("draw()", outputs=[v4.new_output("display_data", data=data)])


def markdown(text):
    return v4.new_markdown_cell(text)


def good():
    """Make a notebook that keeps every rule."""
    solution = code(SOLUTION, "solution")
    solution.metadata["jupyter"] = {"source_hidden": True}
    parts = {
        "Run": [figure(), markdown("The curve falls.")],
        "Exercise": [
            code("def double(x):\n    raise NotImplementedError", "exercise"),
            markdown(HINT),
            markdown(HINT),
            code(CHECK, "check", "nbval-check-output", prints=f"double: {NOT_ATTEMPTED}.\n"),
            v4.new_markdown_cell("The solution doubles.", metadata={"tags": ["solution"]}),
            solution,
        ],
        "Claims": [code("print(table)", "claims", "nbval-check-output", prints=TABLE)],
    }
    cells = [markdown("# 02 · A lesson")]
    for name in SECTIONS:
        cells += [markdown(f"## {name}"), *parts.get(name, []), markdown("More.")]
    return AddGradingMetadata().preprocess(notebook(*cells), {})[0]


def find(book, tag):
    return next(c for c in book.cells if tag in tags(c) and c.cell_type == "code")


def drop(book, cell):
    book.cells = [other for other in book.cells if other is not cell]


def set_source(tag, source):
    return lambda book: find(book, tag).update(source=source)


def replace_heading(old, new):
    def change(book):
        next(c for c in book.cells if c.source == f"## {old}").source = f"## {new}"

    return change


def swap_headings(book):
    first, second = (next(c for c in book.cells if c.source == f"## {n}") for n in SECTIONS[2:4])
    first.source, second.source = second.source, first.source


def store_error(book):
    cell = find(book, "claims")
    cell.outputs.append(v4.new_output("error", ename="ValueError", evalue="", traceback=[]))


def store_slider(book):
    data = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "sliders"}
    find(book, "claims").outputs.append(v4.new_output("display_data", data=data))


def text_after_figure(text):
    def change(book):
        after = next(i for i, c in enumerate(book.cells) if c.source == "draw()") + 1
        book.cells[after].source = text

    return change


# What is done to the good notebook, the rule that sees it, and words of its sentence.
BAD = {
    "no title": (lambda book: book.cells.pop(0), "title", "not a title"),
    "never run": (
        lambda book: find(book, "claims").update(execution_count=None),
        "execution_counts",
        "make execute",
    ),
    "run out of order": (
        lambda book: find(book, "claims").update(execution_count=7),
        "execution_counts",
        "make execute",
    ),
    "stored error": (store_error, "no_stored_error", "ValueError"),
    "other kernel": (
        lambda book: book.metadata.kernelspec.update(name="course"),
        "kernelspec",
        "'course'",
    ),
    "no kernel": (lambda book: book.metadata.clear(), "kernelspec", "None"),
    "path in code": (set_source("claims", "open('/home/ann/x')"), "no_machine_paths", "/home/ann"),
    "path of Windows": (
        set_source("claims", r"open(r'C:\Users\ann')"),
        "no_machine_paths",
        r"C:\\Users",
    ),
    "path in output": (
        lambda book: find(book, "check").outputs[0].update(text=f"{NOT_ATTEMPTED} /tmp/x\n"),
        "no_machine_paths",
        "/tmp/x",
    ),
    "stored slider": (store_slider, "no_stored_widgets", "plain pictures"),
    "stored state of a slider": (
        lambda book: book.metadata.update(widgets={}),
        "no_stored_widgets",
        "plain pictures",
    ),
    "too large": (
        lambda book: book.cells[1].update(source="## Goals\n" + "x" * 2_000_001),
        "size",
        "2.0 MB",
    ),
    "too few cells": (lambda book: drop(book, book.cells[-1]) or thin(book), "length", "19 cells"),
    "too much code": (
        set_source("claims", "print(table)\n" * 300),
        "length",
        "lines of code",
    ),
    "import past a face": (
        set_source("claims", "from course_utils.lr.finder import find_lr"),
        "set_up",
        "course_utils.lr.finder",
    ),
    "long set-up": (
        lambda book: next(c for c in book.cells if c.source == "draw()").update(
            source="import a\n" * 7, metadata={"jupyter": {"source_hidden": True}}
        ),
        "set_up",
        "7 import lines",
    ),
    "open set-up": (
        lambda book: next(c for c in book.cells if c.source == "draw()").update(source="import a"),
        "set_up",
        "not collapsed",
    ),
    "mistyped tag": (
        lambda book: find(book, "solution").metadata.tags.append("Solution"),
        "known_tags",
        "'Solution'",
    ),
    "missing section": (replace_heading("Predict", "Guess"), "sections", "'## Predict'"),
    "swapped sections": (swap_headings, "sections", "Run, Predict"),
    "section twice": (replace_heading("Quiz", "Claims"), "sections", "'## Quiz'"),
    "figure without text": (text_after_figure("### Next"), "prose_after_figures", "what to see"),
    "no claims": (lambda book: drop(book, find(book, "claims")), "compared_cells", "'claims'"),
    "claims not compared": (
        lambda book: find(book, "claims").metadata.update(tags=["claims"]),
        "compared_cells",
        "not compared",
    ),
    "one claim": (
        lambda book: find(book, "claims").outputs[0].update(text=" 1  a claim\n"),
        "compared_cells",
        "1 claims",
    ),
    "compared without text": (
        lambda book: find(book, "claims").update(outputs=[]),
        "compared_cells",
        "stores no text",
    ),
    "no exercise": (
        lambda book: find(book, "exercise").metadata.update(tags=[]),
        "exercise_sentences",
        "No cell is tagged 'exercise'",
    ),
    "no stub": (
        set_source("exercise", "def double(x):\n    return 2 * x"),
        "exercise_sentences",
        "has no stub",
    ),
    "one hint": (
        lambda book: drop(book, next(c for c in book.cells if c.source == HINT)),
        "exercise_sentences",
        "1 hints",
    ),
    "hint without summary": (
        lambda book: next(c for c in book.cells if c.source == HINT).update(
            source="<details>Think.</details>"
        ),
        "exercise_sentences",
        "<summary>",
    ),
    "no check": (
        lambda book: drop(book, find(book, "check")),
        "exercise_sentences",
        "has no check",
    ),
    "check of something else": (
        set_source("check", "check(triple)"),
        "exercise_sentences",
        "does not use double",
    ),
    "check stored as solved": (
        lambda book: find(book, "check").outputs[0].update(text="double: passed."),
        "exercise_sentences",
        "does not store",
    ),
    "no solution": (
        lambda book: drop(book, find(book, "solution")),
        "exercise_sentences",
        "has no solution",
    ),
    "solution twice": (
        lambda book: find(book, "claims").metadata.tags.append("solution"),
        "exercise_sentences",
        "2 cells are tagged 'solution'",
    ),
    "open solution": (
        lambda book: find(book, "solution").metadata.pop("jupyter"),
        "exercise_sentences",
        "not collapsed",
    ),
    "solution without text": (
        lambda book: drop(book, next(c for c in book.cells if "doubles" in c.source)),
        "exercise_sentences",
        "without a markdown cell",
    ),
    "solution's text stays": (
        lambda book: next(c for c in book.cells if "doubles" in c.source).metadata.clear(),
        "exercise_sentences",
        "stays in the student edition",
    ),
    "lesson stands on the solution": (
        set_source("claims", "print(double_solution(2))"),
        "exercise_sentences",
        "the student edition does not have",
    ),
    "solution of another name": (
        set_source("solution", "def solution(x):\n    return 2 * x"),
        "exercise_sentences",
        "does not define double_solution",
    ),
    "solution replaces the learner's": (
        set_source("solution", f"{SOLUTION}\n\n\ndouble = double_solution"),
        "exercise_sentences",
        "replaces the learner's double",
    ),
    "lesson stands on the learner's": (
        set_source("claims", "print(double(2))"),
        "exercise_sentences",
        "fails while it is not solved",
    ),
    "no metadata for grading": (
        lambda book: find(book, "check").metadata.pop("nbgrader"),
        "stored_grading_metadata",
        "make execute",
    ),
    "metadata for grading without a tag": (
        lambda book: find(book, "claims").metadata.update(nbgrader={"grade": True}),
        "stored_grading_metadata",
        "make execute",
    ),
    "hint that is the solution": (
        lambda book: next(c for c in book.cells if c.source == HINT).update(
            source=HINT.replace("Think", "`return 2*x`")
        ),
        "no_solution_for_students",
        "still holds 'return 2 * x' of a solution",
    ),
    "solution without its tag": (
        lambda book: find(book, "solution").metadata.update(tags=["Solution"]),
        "no_solution_for_students",
        "'Solution', which marks no solution",
    ),
}


def thin(book):
    """Take out the filling cells until 19 cells are left."""
    for cell in [cell for cell in book.cells if cell.source == "More."]:
        if len(book.cells) > 19:
            drop(book, cell)


def test_good_notebook():
    """Does a notebook that keeps every rule get no sentence?"""
    assert list(breaches(good())) == []


@pytest.mark.parametrize("name", BAD)
def test_bad_notebook(name):
    """Is each fault seen by its rule, and by no other that does not concern it?"""
    change, rule, words = BAD[name]
    book = copy.deepcopy(good())
    change(book)
    found = [sentence for seen, sentence in breaches(book) if seen.__name__ == rule]
    assert any(words in sentence for sentence in found), list(breaches(book))


def test_every_rule_has_a_bad_notebook():
    """Is every rule seen to fail at least once above?"""
    assert {rule for _, rule, _ in BAD.values()} == {rule.__name__ for rule in RULES}


def test_lesson_00_needs_no_claims():
    """May lesson 00 do without claims, but not without a compared cell?"""
    book = good()
    book.cells[0].source = "# 00 · Start here"
    drop(book, find(book, "claims"))
    replace_heading("Claims", "Your progress")(book)
    assert [s for s in breaches(notebook(*book.cells))] == []
    find(book, "check").metadata.tags.remove("nbval-check-output")
    assert any("No cell is compared" in sentence for _, sentence in breaches(book))


@pytest.mark.parametrize(
    "text",
    ["https://site.org/home/tmp/x", "data/tmp/x", "/workers", "see ~/tmp/x"],
)
def test_harmless_paths(text):
    """Are web addresses, relative paths and other words left alone?"""
    book = good()
    find(book, "claims").source = f"print({text!r})"
    assert "no_machine_paths" not in {rule.__name__ for rule, _ in breaches(book)}


@pytest.mark.parametrize(
    "source, name",
    [
        ("def f(x):\n    raise NotImplementedError('your code')", "f"),
        ("%matplotlib inline\nclass C:\n    def go(self):\n        raise NotImplementedError", "C"),
        ("def g():\n    return 1\n\n\ndef f():\n    raise NotImplementedError()", "f"),
        ("def f():\n    raise ValueError", ""),
    ],
)
def test_stub_name(source, name):
    """Is the function or class named that the learner is to write?"""
    assert stub_name(source) == name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_lesson_keeps_rule(path, rule):
    """Does the lesson keep the rule?"""
    assert rule(read(path)) == []


@pytest.fixture
def own_progress(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_untouched_stub(path, own_progress):
    """Does the check of the untouched stub say so?"""
    book = read(path)
    for exercise in find_exercises(book):
        assert NOT_ATTEMPTED in run_exercise(book, exercise, exercise.stub[1].source)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_solution_passes(path, own_progress):
    """Does the solution under the learner's name pass the check?"""
    book = read(path)
    for exercise in find_exercises(book):
        assert PASSED in run_exercise(book, exercise, solution_as_answer(exercise))


def wrong_answers(path: Path) -> dict[str, tuple[str, str]]:
    """Read a lesson's wrong answers: what is wrong -> the source, words of the hint."""
    file = REPOSITORY / "tests" / "wrong_answers" / f"lesson_{lesson_number(read(path))}.py"
    return runpy.run_path(str(file))["WRONG_ANSWERS"] if file.exists() else {}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_wrong_answers_are_listed(path):
    """Are there two wrong answers or more for each exercise?"""
    sources = [source for source, _ in wrong_answers(path).values()]
    for exercise in find_exercises(read(path)):
        assert sum(f"def {exercise.name}(" in source for source in sources) >= 2, exercise.name


@pytest.mark.parametrize("path, name", [(p, n) for p in PATHS for n in wrong_answers(p)])
def test_wrong_answer_gets_its_hint(path, name, own_progress):
    """Does the wrong answer fail, with the words that belong to it?"""
    book = read(path)
    source, words = wrong_answers(path)[name]
    exercise = next(e for e in find_exercises(book) if f"def {e.name}(" in source)
    printed = " ".join(run_exercise(book, exercise, source).split())
    assert PASSED not in printed and NOT_ATTEMPTED not in printed
    assert words in printed
