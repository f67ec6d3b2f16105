import copy

import pytest
from editions import EditionError
from editions.leaks import (
    RefuseLeaks,
    RefuseNearMisses,
    is_near_miss,
    leaks,
    near_misses,
    solution_lines,
)
from nbformat import v4
from notebook_rules import TAGS
from tiny_notebooks import code, notebook

SOLUTION = """def smooth_solution(values, *, beta):
    average = 0.0
    for value in values:
        average = beta * average + (1 - beta) * value
        if average < 1e-9 and beta > 0:
            break
    return average"""
LINE = "average = beta * average + (1 - beta) * value"
ESCAPED = "<code>if average &lt; 1e-9 and beta &gt; 0:</code>"


def lines():
    text = v4.new_markdown_cell("The average of the averages.", metadata={"tags": ["solution"]})
    return solution_lines([notebook(code("x = 1"), text, code(SOLUTION, "solution"))])


def test_lines():
    """Are the lines of code and text taken that say something, the function's name among them?"""
    assert lines() == sorted(
        [
            "The average of the averages.",
            "average = 0.0",
            LINE,
            "def smooth_solution(values, *, beta):",
            "for value in values:",
            "if average < 1e-9 and beta > 0:",
            "smooth_solution",
        ]
    )


def output(kind, **content):
    return lambda cell: cell.outputs.append(v4.new_output(kind, **content))


def attach(cell):
    cell.attachments = {"answer.py": {"text/plain": SOLUTION}}


# Where the line survives -> what is done to a cell, the place that the sentence names.
PLACES = {
    "source": (lambda c: c.update(source=f"try:\n    {LINE}"), "Cell 1 (source)"),
    "other spaces": (lambda c: c.update(source=LINE.replace(" ", "")), "Cell 1 (source)"),
    "part of a line": (lambda c: c.update(source=f"Hint: `{LINE}`."), "Cell 1 (source)"),
    "printed text": (output("stream", text=f"1\n{LINE}\n"), "Cell 1 (outputs)"),
    "result": (output("execute_result", data={"text/plain": repr(SOLUTION)}), "Cell 1 (outputs)"),
    "traceback": (
        output("error", ename="E", evalue="", traceback=["--", f"---> 4 {LINE}"]),
        "Cell 1 (outputs)",
    ),
    "HTML": (output("display_data", data={"text/html": ESCAPED}), "Cell 1 (outputs)"),
    "attachment": (attach, "Cell 1 (attachments)"),
    "cell's metadata": (lambda c: c.metadata.update(note=[{"old": SOLUTION}]), "Cell 1 (metadata)"),
    "key of the metadata": (lambda c: c.metadata.update({LINE: 1}), "Cell 1 (metadata)"),
}


@pytest.mark.parametrize("name", PLACES)
def test_leak(name):
    """Is a line of a solution found wherever it survives, in a sentence that names the place?"""
    change, place = PLACES[name]
    book = notebook(v4.new_markdown_cell("Text."), code("x = 1"))
    assert leaks(book, lines()) == []
    change(book.cells[1])
    line = "if average < 1e-9 and beta > 0:" if name == "HTML" else LINE
    sentences = leaks(book, lines())
    end = "of a solution: write it otherwise, or tag it 'solution'."
    assert f"{place} still holds {line!r} {end}" in sentences
    assert all(sentence.startswith(place) for sentence in sentences)


def test_leak_in_the_notebooks_metadata():
    """Is the metadata of the whole notebook looked through as well?"""
    book = notebook(code("x = 1"))
    book.metadata["draft"] = SOLUTION
    (sentence,) = leaks(book, [LINE])
    assert sentence.startswith(f"The notebook's metadata still holds {LINE!r}")


@pytest.mark.parametrize("source", ["break", "return average", "averages = {}"])
def test_everyday_lines(source):
    """Are short lines that any code may hold left alone?"""
    assert leaks(notebook(code(source)), lines()) == []


def test_use_of_the_solution():
    """Is a use of the solution's function found, which would fail without it?"""
    assert len(leaks(notebook(code("smooth_solution([1], beta=0)")), lines())) == 1


def test_transformation():
    """Passes a clean notebook, and raises one sentence a leak for another?"""
    step = RefuseLeaks(lines=lines())
    clean = notebook(code("x = 1"))
    assert step(clean, {})[0] is clean
    with pytest.raises(EditionError) as caught:
        step(notebook(code(LINE), code("x = 1"), code(LINE)), {})
    assert [text[:6] for text in str(caught.value).splitlines()] == ["Cell 0", "Cell 2"]


def exercise(*tags, source="def double_solution(x):\n    return 2 * x", **metadata):
    """Make a notebook with an exercise and a cell for its solution, with these tags."""
    solution = code(source, *tags)
    solution.metadata.update(metadata)
    return notebook(code("def double(x):\n    raise NotImplementedError", "exercise"), solution)


def test_right_marker():
    """Passes a notebook with the right marker through as it is?"""
    book = exercise("solution", jupyter={"source_hidden": True})
    before = copy.deepcopy(book)
    assert near_misses(book) == []
    assert RefuseNearMisses()(book, {})[0] == before


@pytest.mark.parametrize(
    "tag",
    [
        *("Solution", "solutions", "soluton", "SOLUTION", "soltuion", "sollution", "solution1"),
        *("my-solution", "solution ", " solution", "the solution"),
    ],
)
def test_mistyped_tag(tag):
    """Is a tag refused that may have been meant to be `solution`, in a sentence that shows it?"""
    book = exercise("solution", tag)
    with pytest.raises(EditionError) as caught:
        RefuseNearMisses()(book, {})
    assert str(caught.value) == (
        f"Cell 1 has the tag {tag!r}, which marks no solution: write 'solution' or another word."
    )


@pytest.mark.parametrize(
    "tag", [*sorted(TAGS), "timeout-300", "hide-input", "slide", "skip", "absolute"]
)
def test_other_tags(tag):
    """Are the course's other tags, and those of other tools, left alone?"""
    assert not is_near_miss(tag)


TEXT = v4.new_markdown_cell("It doubles.", metadata={"tags": ["solution"]})
FOREIGN = ("### BEGIN SOLUTION", "# END SOLUTION", "# to_remove_solution")
# What is wrong -> the notebook, how its sentence begins.
NEAR_MISSES = {
    "no tag": (exercise(), "1 code cells are tagged 'exercise' and 0 'solution'"),
    "only a text": (notebook(*exercise().cells, TEXT), "1 code cells are tagged 'exercise' and 0"),
    **{
        f"{key} in the metadata": (
            exercise("solution", **{key: True}),
            f"Cell 1 has {key!r} in its",
        )
        for key in ("solution", "Solution", "solutions")
    },
    **{
        marker: (
            notebook(code(f"x = 1\n    {marker}\ny = 2"), *exercise("solution").cells),
            f"Cell 0 holds the marker {marker!r} of another tool",
        )
        for marker in FOREIGN
    },
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss(name):
    """Is a marker refused that may have been meant for a solution, and one that is missing?"""
    book, words = NEAR_MISSES[name]
    (sentence,) = near_misses(book)
    assert sentence.startswith(words)


def test_tags_that_are_no_list():
    """Is a text in the place of the list of tags refused, which nbconvert reads as letters?"""
    book = exercise("solution")
    book.cells[1].metadata["tags"] = "solution"
    (words,) = near_misses(book)
    assert words.startswith("Cell 1 has tags that are no list")


@pytest.mark.parametrize("marker", FOREIGN)
def test_foreign_marker_in_a_solution(marker):
    """Is another tool's marker harmless in a solution, which is removed as a whole?"""
    assert near_misses(exercise("solution", source=f"x = 1\n    {marker}\ny = 2")) == []
