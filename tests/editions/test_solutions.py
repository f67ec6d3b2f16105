from nbformat import v4
from tiny_notebooks import code, notebook

from course_utils.editions.solutions import RemoveSolutions, solution_cells


def test_removal():
    """Go the code and the text of a solution, and nothing else?"""
    text = v4.new_markdown_cell("The solution doubles.", metadata={"tags": ["solution"]})
    solution = code("def double_solution(x):\n    return 2 * x", "solution", "nbval-check-output")
    others = [code("check(double)", "check"), v4.new_markdown_cell("Next."), code("1 + 1")]
    book = notebook(others[0], text, solution, *others[1:])
    assert solution_cells(book) == [text, solution]
    book, _ = RemoveSolutions()(book, {})
    assert book.cells == others
