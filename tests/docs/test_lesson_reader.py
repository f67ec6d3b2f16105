import nbformat
from lesson_reader import read_lesson
from nbformat import v4
from notebook_cells import tags
from tiny_notebooks import code, notebook


def test_solutions_are_folded():
    """Are the solutions' code cells folded, and no other cell?"""
    markdown = v4.new_markdown_cell("The solution doubles.", metadata={"tags": ["solution"]})
    book = notebook(code("x = 1"), markdown, code("y = 2", "solution"), code("x", "check"))
    cells = read_lesson(nbformat.writes(book)).cells
    assert [tags(cell) for cell in cells] == [
        [],
        ["solution"],
        ["solution", "hide-input"],
        ["check"],
    ]


def test_outputs_stay():
    """Is the lesson shown with what it has stored?"""
    book = notebook(code("print(1)", prints="1\n"))
    assert read_lesson(nbformat.writes(book)).cells[0].outputs[0].text == "1\n"


def test_figures_have_words():
    """Is a figure's alt text where myst-nb looks for it?"""
    cell = code("draw()")
    cell.metadata["alt"] = "A falling curve."
    read = read_lesson(nbformat.writes(notebook(cell))).cells[0]
    assert read.metadata["mystnb"]["image"]["alt"] == "A falling curve."
