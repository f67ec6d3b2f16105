"""A lesson as the web edition shows it: the stored notebook, made for who reads and cannot run."""

from __future__ import annotations

import html
import re
from importlib import import_module

import nbformat
from nbformat import NotebookNode, v4

# What a lesson says to a learner who has not begun.
TO_A_LEARNER = re.compile(
    r"^.*: (?:no guess yet|not attempted yet|the course's is used, as yours).*\n"
    r"|(?<=: )you made no guess; ",
    re.MULTILINE,
)
QUESTION = re.compile(r"^Question (\d+)\. ", re.MULTILINE)


def read_lesson(text: str) -> NotebookNode:
    """Read a stored notebook and make it ready for the page; myst-nb calls it itself.

    Set-up and solutions are folded, figures have their alt text, the claims are a table of HTML,
    and the quiz opens under a click.

    Args:
        text: the notebook's file.
    """
    notebook = nbformat.reads(text, as_version=4)
    number = notebook.cells[0].source.removeprefix("# ")[:2]
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        fold(cell)
        if "alt" in cell.metadata:
            cell.metadata.setdefault("mystnb", {})["image"] = {"alt": cell.metadata["alt"]}
        for output in cell.outputs:
            if "text" in output:
                output.text = TO_A_LEARNER.sub("", output.text)
        cell.outputs = [output for output in cell.outputs if output.get("text") != ""]
        printed = "".join(output.get("text", "") for output in cell.outputs)
        if "claims" in cell.metadata.get("tags", []):
            cell.outputs = [v4.new_output("display_data", {"text/html": claims_as_html(printed)})]
        elif asked := QUESTION.findall(printed):
            quiz = import_module(f"course_utils.lessons.exercise_{number}").QUIZ
            questions = [question_as_html(**quiz[int(n) - 1]) for n in asked]
            notebook.cells[index] = v4.new_markdown_cell("\n".join(questions), id=cell.id)
    return notebook


def fold(cell: NotebookNode) -> None:
    """Fold a code cell that is folded in JupyterLab, and say what it is."""
    tags = cell.metadata.get("tags", [])
    is_solution = "solution" in tags
    if is_solution or cell.metadata.get("jupyter", {}).get("source_hidden"):
        cell.metadata["tags"] = [*tags, "hide-input"]
        name = "the solution" if is_solution else "the code"
        prompts = {f"code_prompt_{do}": f"{do.capitalize()} {name}" for do in ("show", "hide")}
        cell.metadata.setdefault("mystnb", {}).update(prompts)


def claims_as_html(text: str) -> str:
    """Turn what `claims_table` prints into a table of HTML.

    The row of dashes says where each column begins; a row without a number goes on with the claim
    above it.
    """
    head, dashes, *lines = text.splitlines()
    starts = [match.start() for match in re.finditer("-+", dashes)]
    rows: list[list[str]] = []
    for line in [head, *lines]:
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        if cells[0]:
            rows.append(cells)
        else:
            rows[-1][1] += f" {cells[1]}"
    heading, *body = (
        "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
        for row, tag in zip(rows, ["th", *["td"] * (len(rows) - 1)], strict=True)
    )
    rows_of_body = "".join(f"<tr>{row}</tr>" for row in body)
    head_of_table = f"<thead><tr>{heading}</tr></thead>"
    return f'<table class="table claims">{head_of_table}<tbody>{rows_of_body}</tbody></table>'


def question_as_html(
    number: int, question: str, options: dict[str, str], correct: str, why: str, **_lesson
) -> str:
    """Return a question of the quiz, whose options say when opened whether they are right."""
    lines = [f'<div class="quiz"><p>Question {number}. {_with_code(question)}</p>']
    for letter, text in options.items():
        verdict = f"Right. {_with_code(why)}" if letter == correct else "Not this one."
        summary = f"<summary>{letter} · {_with_code(text)}</summary>"
        lines.append(f'<details name="question-{number}">{summary}<p>{verdict}</p></details>')
    return "".join([*lines, "</div>"])


def _with_code(text: str) -> str:
    """Escape a text, and set what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
