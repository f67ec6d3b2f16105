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
    sentences = leaks(book, lines())
    assert (
        f"{place} still holds {LINE!r} of a solution: write it otherwise, or tag it "
        + ("'solution'.")
        in sentences
    )
    assert all(sentence.startswith(place) for sentence in sentences)


def test_leak_in_the_notebooks_metadata():
    """Is the metadata of the whole notebook looked through as well?"""
    book = notebook(code("x = 1"))
    book.metadata["draft"] = SOLUTION
    assert leaks(book, [LINE]) == [
        f"The notebook's metadata still holds {LINE!r} of a solution: write it otherwise, or tag "
        "it 'solution'."
    ]


def test_leak_in_html():
    """Is a line found whose signs are written as in HTML?"""
    data = {"text/html": "<code>if average &lt; 1e-9 and beta &gt; 0:</code>"}
    cell = v4.new_code_cell("x", outputs=[v4.new_output("display_data", data=data)])
    assert len(leaks(notebook(cell), lines())) == 1


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


NEAR_MISSES_SOLUTION = "def double_solution(x):\n    return 2 * x"


def exercise(*tags, source=NEAR_MISSES_SOLUTION, **metadata):
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


@pytest.mark.parametrize("metadata", [{"solution": True}, {"Solution": {}}, {"solutions": []}])
def test_marker_in_the_metadata(metadata):
    """Is a solution refused that is marked beside its tags?"""
    (words,) = near_misses(exercise("solution", **metadata))
    assert words.startswith(f"Cell 1 has {next(iter(metadata))!r} in its metadata")


def test_tags_that_are_no_list():
    """Is a text in the place of the list of tags refused, which nbconvert reads as letters?"""
    book = exercise("solution")
    book.cells[1].metadata["tags"] = "solution"
    (words,) = near_misses(book)
    assert words.startswith("Cell 1 has tags that are no list")


@pytest.mark.parametrize("marker", ["### BEGIN SOLUTION", "# END SOLUTION", "# to_remove_solution"])
def test_markers_of_other_tools(marker):
    """Is the marker of another tool refused outside of a solution, and harmless in one?"""
    source = f"x = 1\n    {marker}\ny = 2"
    book = exercise("solution", source=source)
    assert near_misses(book) == []
    book.cells[0].source = source
    (words,) = near_misses(book)
    assert words.startswith(f"Cell 0 holds the marker {marker!r} of another tool")


def test_solution_without_its_tag():
    """Is an exercise refused whose solution is not marked at all, and so would stay?"""
    (words,) = near_misses(exercise())
    assert words.startswith("1 code cells are tagged 'exercise' and 0 'solution'")


def test_text_is_no_solution():
    """Does a text that is marked as a solution not stand for the code?"""
    book = exercise()
    book.cells.append(v4.new_markdown_cell("It doubles.", metadata={"tags": ["solution"]}))
    assert len(near_misses(book)) == 1
