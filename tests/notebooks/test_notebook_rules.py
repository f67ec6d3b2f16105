import runpy
from functools import cache
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
from notebook_rules import RULES, SECTIONS, breaches, read, reading_minutes, words
from tiny_notebooks import REPOSITORY, code, notebook

PATHS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
TABLE = "no  claim\n--  -----\n 1  a claim\n 2  another\n"
HINT = "<details><summary>Hint</summary>\n\nThink.\n</details>"
CHECK = "from course_utils.teaching import check\ncheck(double, EXERCISE);"
SOLUTION = "def double_solution(x):\n    return 2 * x"


LAST = (
    "Next: [a lesson](03_a_lesson.ipynb) · "
    "[Report an error](https://github.com/OWNER/REPO/issues/new?title=Lesson%2002)"
)
WORDS = "Losses are in [nats](../docs/glossary.md)."
OWN = "mine = own_or_reference(double, EXERCISE)"


def figure():
    data = {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}
    output = v4.new_output("display_data", data=data)
    return v4.new_code_cell("draw()", metadata={"alt": "A falling curve."}, outputs=[output])


def markdown(text):
    return v4.new_markdown_cell(text)


def good():
    """Make a notebook that keeps every rule."""
    solution = code(SOLUTION, "solution")
    solution.metadata["jupyter"] = {"source_hidden": True}
    parts = {
        "Goals": [figure(), markdown("The curve falls."), markdown(WORDS)],
        "The trick in plain PyTorch": [code("loss.backward()")],
        "Exercise": [
            code("def double(x):\n    raise NotImplementedError", "exercise"),
            markdown(HINT),
            markdown(HINT),
            code(CHECK, "check", "nbval-check-output", prints=f"double: {NOT_ATTEMPTED}.\n"),
            v4.new_markdown_cell("The solution doubles.", metadata={"tags": ["solution"]}),
            solution,
            code(OWN, "own"),
        ],
        "Does it hold?": [code("print(table)", "claims", "nbval-check-output", prints=TABLE)],
        "Further reading": [markdown(LAST)],
    }
    cells = [markdown("# 02 · A lesson of about 17 minutes")]
    for name in SECTIONS:
        own = parts.get(name, [])
        more = [] if name == "Further reading" else [markdown("More.")]
        cells += [markdown(f"## {name}"), *own, *more]
    return AddGradingMetadata().preprocess(notebook(*cells), {})[0]


def find(book, what):
    """Return the code cell with this tag, else the first cell whose source begins so."""
    tagged = (c for c in book.cells if what in tags(c) and c.cell_type == "code")
    return next(tagged, None) or next(c for c in book.cells if c.source.startswith(what))


def drop(book, what):
    gone = find(book, what)
    book.cells = [cell for cell in book.cells if cell is not gone]


def edit(what, **parts):
    return lambda book: find(book, what).update(**parts)


def without(what):
    return lambda book: drop(book, what)


def printing(what, text):
    return lambda book: find(book, what).outputs[0].update(text=text)


def tagged(what, *names):
    return lambda book: find(book, what).metadata.update(tags=list(names))


def hidden(source):
    return edit("draw()", source=source, metadata={"jupyter": {"source_hidden": True}})


def storing(kind, **content):
    return lambda book: find(book, "claims").outputs.append(v4.new_output(kind, **content))


def swap_headings(book):
    first, second = (find(book, f"## {name}") for name in SECTIONS[3:5])
    first.source, second.source = second.source, first.source


SLIDER = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "sliders"}
# The rule -> what is wrong -> what is done to the good notebook, words of the rule's sentence.
BAD = {
    "title": {"no title": (without("# 02"), "not a title")},
    "execution_counts": {
        "run out of order": (edit("claims", execution_count=70), "make execute"),
    },
    "no_stored_error": {
        "stored": (storing("error", ename="ValueError", evalue="", traceback=[]), "ValueError"),
    },
    "kernelspec": {
        "other kernel": (lambda book: book.metadata.kernelspec.update(name="x"), "'x'"),
        "no kernel": (lambda book: book.metadata.clear(), "None"),
    },
    "no_machine_paths": {
        "in code": (edit("claims", source="open('/home/ann/x')"), "/home/ann"),
        "of Windows": (edit("claims", source=r"open(r'C:\Users\ann')"), r"C:\\Users"),
        "in output": (printing("check", f"{NOT_ATTEMPTED} /tmp/x\n"), "/tmp/x"),
    },
    "no_stored_widgets": {
        "slider": (storing("display_data", data=SLIDER), "plain pictures"),
        "state of a slider": (lambda book: book.metadata.update(widgets={}), "plain pictures"),
    },
    "size": {"too large": (edit("## Goals", source="## Goals" + "x" * 2_000_001), "2.0 MB")},
    "length": {
        "too few cells": (lambda book: book.update(cells=book.cells[:19]), "19 cells"),
        "too much code": (edit("claims", source="print(table)\n" * 301), "lines of code"),
    },
    "set_up": {
        "past a face": (edit("claims", source="from course_utils.lr.finder import f"), "lr.finder"),
        "too long": (hidden("import a\n" * 7), "7 import lines"),
        "open": (edit("draw()", source="import a"), "not collapsed"),
    },
    "known_tags": {"mistyped": (tagged("solution", "solution", "Solution"), "'Solution'")},
    "sections": {
        "missing": (edit("## Predict", source="## Guess"), "'## Predict'"),
        "swapped": (swap_headings, "The package, Exercise"),
        "twice": (edit("## Quiz", source="## Recipe"), "'## Quiz'"),
    },
    "short_texts": {"too long": (edit("More.", source="more " * 121), "121 words")},
    "first_figure": {"none": (without("draw()"), "best one")},
    "plain_pytorch": {
        "a comment": (edit("loss.backward()", source="# loss.backward()\nfit()"), "its loop"),
        "in the solution": (tagged("loss.backward()", "solution"), "its loop"),
    },
    "own_sentences": {
        "no use": (without("own"), "is not used"),
        "no tag": (tagged("own"), "tagged 'own'"),
        "the reference's": (edit("own", source="mine = EXERCISE.reference"), "is not used"),
        "after another cell": (tagged("own", "timeout-300"), "next code cell"),
    },
    "alternative_texts": {"none": (edit("draw()", metadata={}), "`alt`")},
    "glossary": {"none": (without(WORDS), "leads to the glossary")},
    "no_holes": {
        "in a text": (edit("More.", source="| 64,000 steps | not yet\nmeasured |"), "measure it"),
        "printed": (printing("check", f"{NOT_ATTEMPTED} Not yet measured\n"), "measure it"),
    },
    "honest_minutes": {
        "none": (edit("# 02", source="# 02 · A lesson"), "'about 17 minutes'"),
        "too few": (edit("# 02", source="# 02 · A lesson of about 14 minutes"), "takes 17"),
        "too many": (edit("# 02", source="# 02 · A lesson of about 31 minutes"), "30 are allowed"),
    },
    "way_on": {
        "no next": (edit("Next:", source=LAST.replace("Next:", "Then:")), "leads to no lesson"),
        "other lesson": (edit("Next:", source=LAST.replace("%2002", "%2003")), "Lesson%2002"),
    },
    "prose_after_figures": {
        "a heading": (edit("The curve falls.", source="### Next"), "what to see"),
    },
    "compared_cells": {
        "no claims": (without("claims"), "'claims'"),
        "claims not compared": (tagged("claims", "claims"), "not compared"),
        "one claim": (printing("claims", " 1  a claim\n"), "1 claims"),
        "compared without text": (edit("claims", outputs=[]), "stores no text"),
    },
    "exercise_sentences": {
        "no exercise": (tagged("exercise"), "No cell is tagged 'exercise'"),
        "no stub": (edit("exercise", source="def double(x):\n    return 2 * x"), "has no stub"),
        "one hint": (without(HINT), "1 hints"),
        "no summary": (edit(HINT, source="<details>Think.</details>"), "<summary>"),
        "no check": (without("check"), "has no check"),
        "another check": (edit("check", source="check(triple)"), "does not use double"),
        "stored as solved": (printing("check", "double: passed."), "does not store"),
        "no solution": (without("solution"), "has no solution"),
        "solution twice": (tagged("claims", "solution"), "2 cells are tagged 'solution'"),
        "open solution": (edit("solution", metadata={"tags": ["solution"]}), "not collapsed"),
        "solution without text": (without("The solution"), "without a markdown cell"),
        "its text stays": (edit("The solution", metadata={}), "stays in the student edition"),
        "lesson stands on the solution": (
            edit("claims", source="print(double_solution(2))"),
            "the student edition does not have",
        ),
        "solution of another name": (
            edit("solution", source="def solution(x):\n    return 2 * x"),
            "does not define double_solution",
        ),
        "solution replaces the learner's": (
            edit("solution", source=f"{SOLUTION}\n\n\ndouble = double_solution"),
            "replaces the learner's double",
        ),
        "lesson stands on the learner's": (
            edit("claims", source="print(double(2))"),
            "fails while it is not solved",
        ),
    },
    "stored_grading_metadata": {
        "none": (lambda book: find(book, "check").metadata.pop("nbgrader"), "make execute"),
        "too much": (
            lambda book: find(book, "claims").metadata.update(nbgrader={"grade": True}),
            "make execute",
        ),
    },
    "no_solution_for_students": {
        "in a hint": (
            edit(HINT, source=HINT.replace("Think", "`return 2*x`")),
            "still holds 'return 2 * x' of a solution",
        ),
        "without its tag": (tagged("solution", "Solution"), "'Solution', which marks no solution"),
    },
}


def test_good_notebook():
    """Does a notebook that keeps every rule get no sentence?"""
    assert list(breaches(good())) == []


@pytest.mark.parametrize("rule, name", [(rule, name) for rule in BAD for name in BAD[rule]])
def test_bad_notebook(rule, name):
    """Is each fault seen by its rule, in a sentence with these words?"""
    change, words = BAD[rule][name]
    book = good()
    change(book)
    found = [sentence for seen, sentence in breaches(book) if seen.__name__ == rule]
    assert any(words in sentence for sentence in found), list(breaches(book))


def test_every_rule_has_a_bad_notebook():
    """Is every rule seen to fail at least once above?"""
    assert BAD.keys() == {rule.__name__ for rule in RULES}


def test_reading_minutes():
    """Is it the time of text, code and figures, without what is folded or past the core?"""
    book = good()
    before = reading_minutes(book)
    find(book, HINT).source = HINT.replace("Think.", "Think. " * 600)
    for what in ("The solution", "check", "solution", "Next:"):
        find(book, what).source += "\nx" * 600
    assert reading_minutes(book) == before
    find(book, "More.").source = "more " * 101
    assert reading_minutes(book) == pytest.approx(before + 0.5)
    find(book, "own").source += "\n\n" + "x\n" * 15
    assert reading_minutes(book) == pytest.approx(before + 1.5)


def test_words():
    """Are words counted as one reads them, a link by its text, HTML and signs not at all?"""
    text = "<details><summary>See [the page](https://a.org/b (c d)) · 5 % — or</summary>"
    assert words(text) == 5


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


@pytest.mark.parametrize(
    "path, rule",
    [
        pytest.param(path, rule, id=f"{path.stem}-{rule.__name__}")
        for path in PATHS
        for rule in RULES
    ],
)
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


@cache
def lesson(path: Path):
    """Read a lesson once for all its wrong answers, which do not change it."""
    return read(path)


@cache
def wrong_answers(path: Path) -> dict[str, tuple[str, str]]:
    """Read a lesson's wrong answers: what is wrong -> the source, words of the hint."""
    file = REPOSITORY / "tests" / "wrong_answers" / f"lesson_{lesson_number(lesson(path))}.py"
    return runpy.run_path(str(file))["WRONG_ANSWERS"] if file.exists() else {}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_wrong_answers_are_listed(path):
    """Are there two wrong answers or more for each exercise?"""
    assert lesson_number(read(path)) == path.name[:2]
    sources = [source for source, _ in wrong_answers(path).values()]
    for exercise in find_exercises(read(path)):
        assert sum(f"def {exercise.name}(" in source for source in sources) >= 2, exercise.name


@pytest.mark.parametrize(
    "path, name",
    [pytest.param(p, n, id=f"{p.stem}-{n}") for p in PATHS for n in wrong_answers(p)],
)
def test_wrong_answer_gets_its_hint(path, name, own_progress):
    """Does the wrong answer fail, with the words that belong to it?"""
    book = lesson(path)
    source, words = wrong_answers(path)[name]
    exercise = next(e for e in find_exercises(book) if f"def {e.name}(" in source)
    printed = " ".join(run_exercise(book, exercise, source).split())
    assert PASSED not in printed and NOT_ATTEMPTED not in printed
    assert words in printed
