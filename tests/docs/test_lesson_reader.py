import re
from importlib import import_module

import nbformat
import pytest
from lesson_reader import claims_as_html, question_as_html, read_lesson
from nbformat import v4
from notebook_cells import tags
from tiny_notebooks import REPOSITORY, code, notebook

from course_utils.teaching import Claim, claims_table


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


def test_folds_say_what_they_are():
    """Is code that is folded in JupyterLab folded on the page, with words that fit?"""
    set_up = code("import torch")
    set_up.metadata["jupyter"] = {"source_hidden": True}
    cells = read_lesson(nbformat.writes(notebook(set_up, code("y = 2", "solution")))).cells
    assert all("hide-input" in tags(cell) for cell in cells)
    prompts = [cell.metadata["mystnb"]["code_prompt_show"] for cell in cells]
    assert prompts == ["Show the code", "Show the solution"]


def test_claims_are_a_table():
    """Has the table of HTML each claim in one row, whole, in the order printed?"""
    long = "a claim with so many words that it takes more than one line of the table & more"
    claims = [Claim("short", [1.0, 2, 3], at_least=0.5), Claim(long, [0.0, 0, 0], within=1)]
    html = claims_as_html(claims_table(claims))
    rows = [row.split("</tr>")[0] for row in html.split("<tr>")[1:]]
    cells = [[cell.split(">")[-1] for cell in re.split("</t[hd]>", row)[:-1]] for row in rows]
    assert cells[0] == ["no", "claim", "bound", "verdict", "measured, 95 % interval"]
    assert [row[:2] for row in cells[1:]] == [["1", "short"], ["2", long.replace("&", "&amp;")]]
    assert cells[1][2:4] == ["&gt; 0.5", claims[0].verdict]
    assert cells[2][4] == "0.00 ± 0.00 points, 3 seeds"


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("notebooks/*.ipynb")), ids=lambda p: p.stem)
def test_each_lesson(path):
    """Has each lesson its claims as a table and its whole quiz, and no word to a learner?"""
    cells = read_lesson(path.read_text(encoding="utf-8")).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert sum("claims" in output.get("data", {}).get("text/html", "") for output in outputs) == 1
    exercise = import_module(f"course_utils.lessons.exercise_{path.stem[:2]}")
    quiz = "".join(question_as_html(**question) for question in exercise.QUIZ)
    assert (
        "".join(cell.source for cell in cells if 'class="quiz"' in cell.source).replace("\n", "")
        == quiz
    )
    printed = "".join(output.get("text", "") for output in outputs)
    assert not re.search("no guess|not attempted yet|No answer yet", printed)


def test_question():
    """Says the right option why, and each other one that it is not?"""
    html = question_as_html(1, "Which `x`?", {"A": "<1", "B": "2"}, "B", "It is `2`.", lesson="02")
    assert "Question 1. Which <code>x</code>?" in html
    assert "<summary>A · &lt;1</summary><p>Not this one.</p>" in html
    assert "<summary>B · 2</summary><p>Right. It is <code>2</code>.</p>" in html


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
