import pytest
from nbformat import v4
from tiny_notebooks import code, notebook

from course_utils.editions import EditionError
from course_utils.editions.leaks import RefuseLeaks, leaks, solution_lines

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
