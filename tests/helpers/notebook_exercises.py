"""The exercises of a notebook: their parts, the rules for these, and a run of stub and check."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from notebook_cells import code_cells, printed, tags

NOT_ATTEMPTED = "not attempted yet"
PASSED = ": passed"
HINTS = range(2, 4)


@dataclass
class Parts:
    """The parts of one exercise, each with the cell's index in the notebook."""

    stub: tuple[int, NotebookNode]
    name: str  # of the function that the learner writes; "" where the stub has none
    hints: list[str] = field(default_factory=list)
    check: tuple[int, NotebookNode] | None = None
    solution: tuple[int, NotebookNode] | None = None


def find_exercises(notebook: NotebookNode) -> list[Parts]:
    """Return the exercises in order: a cell tagged `exercise`, and what follows up to the next."""
    exercises: list[Parts] = []
    for index, cell in enumerate(notebook.cells):
        if "exercise" in tags(cell):
            exercises.append(Parts((index, cell), stub_name(cell.source)))
        elif exercises:
            exercise = exercises[-1]
            if cell.cell_type == "markdown":
                if exercise.check is None:
                    exercise.hints += re.findall(r"<details>.*?</details>", cell.source, re.DOTALL)
            elif "check" in tags(cell) and exercise.check is None:
                exercise.check = index, cell
            elif "solution" in tags(cell) and exercise.solution is None:
                exercise.solution = index, cell
    return exercises


def stub_name(source: str) -> str:
    """Return the name of the function or class that raises NotImplementedError, else ""."""
    for node in parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and any(
            isinstance(part, ast.Raise) and "NotImplementedError" in ast.unparse(part)
            for part in ast.walk(node)
        ):
            return node.name
    return ""


def exercise_sentences(notebook: NotebookNode) -> list[str]:
    """Require every exercise to have a stub, hints, a check and a collapsed solution, in order."""
    exercises = find_exercises(notebook)
    sentences = [] if exercises else ["No cell is tagged 'exercise': a lesson has an exercise."]
    for tag in ("check", "solution"):
        count = sum(tag in tags(cell) for cell in code_cells(notebook))
        if count > len(exercises):
            sentences.append(
                f"{count} cells are tagged {tag!r}, but {len(exercises)} are tagged 'exercise'."
            )
    for exercise in exercises:
        place = f"The exercise in cell {exercise.stub[0]}"
        sentences += [f"{place} {words}" for words in _breaches(notebook, exercise)]
    return sentences


def run_exercise(notebook: NotebookNode, exercise: Parts, answer: str) -> str:
    """Run an answer and the exercise's check, and return what was printed.

    Only the imports of the cells above are run before, so that this takes no training.

    Args:
        notebook: the lesson.
        exercise: one of its exercises.
        answer: the source that stands in the stub's place.
    """
    namespace: dict = {"__name__": "__main__"}
    exec(compile(ast.Module(imports_above(notebook, exercise), []), "imports", "exec"), namespace)
    with contextlib.redirect_stdout(io.StringIO()) as written:
        exec(compile(answer, "answer", "exec"), namespace)
        exec(compile(exercise.check[1].source, "check", "exec"), namespace)
    return written.getvalue()


def imports_above(notebook: NotebookNode, exercise: Parts) -> list[ast.stmt]:
    """Return the imports of the cells above an exercise's check."""
    return [
        node
        for cell in notebook.cells[: exercise.check[0]]
        if cell.cell_type == "code"
        for node in parse(cell.source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def solution_as_answer(exercise: Parts) -> str:
    """Return the solution's code under the learner's name."""
    return re.sub(rf"\b{exercise.name}_solution\b", exercise.name, exercise.solution[1].source)


def _breaches(notebook: NotebookNode, exercise: Parts) -> Iterator[str]:
    """Yield what is wrong with an exercise, as the end of a sentence."""
    if not exercise.name:
        yield "has no stub: its function has to raise NotImplementedError."
        return
    if len(exercise.hints) not in HINTS:
        yield (
            f"has {len(exercise.hints)} hints between stub and check, but {HINTS[0]} or "
            f"{HINTS[-1]} are wanted, each in <details>."
        )
    if any("<summary>" not in hint for hint in exercise.hints):
        yield "has a hint without a <summary>, which is all of it that shows: give it one."
    if exercise.check is None:
        yield "has no check: tag the cell that calls it 'check'."
    else:
        yield from _check_breaches(exercise)
    if exercise.solution is None:
        yield "has no solution after its check: tag it 'solution'."
    else:
        yield from _solution_breaches(notebook, exercise)
    parts = [part[0] for part in (exercise.stub, exercise.check, exercise.solution) if part]
    for index, cell in enumerate(notebook.cells):
        names = _names(cell.source) if cell.cell_type == "code" and index not in parts else []
        if names.count(exercise.name) > _own_calls(cell, exercise):
            yield (
                f"is used in cell {index}, which fails while it is not solved: use what "
                f"own_or_reference({exercise.name}, ...) returns, in a cell tagged 'own'."
            )
        if f"{exercise.name}_solution" in names:
            yield (
                f"has a solution that cell {index} uses, and the student edition does not have: "
                "use course_utils' own function there."
            )


def own_sentences(notebook: NotebookNode) -> list[str]:
    """Require the learner's function to be used on the real net, right after its solution."""
    cells = notebook.cells
    sentences = []
    for exercise in find_exercises(notebook):
        if exercise.solution is None:
            continue
        after = next(
            (cell for cell in cells[exercise.solution[0] + 1 :] if cell.cell_type == "code"), None
        )
        if after is None or "own" not in tags(after) or not _own_calls(after, exercise):
            sentences.append(
                f"The exercise in cell {exercise.stub[0]} is not used: in the next code cell after "
                f"its solution, tagged 'own', call own_or_reference({exercise.name}, ...)."
            )
    return sentences


def _own_calls(cell: NotebookNode, exercise: Parts) -> int:
    """Count the calls `own_or_reference(NAME, ...)` in a cell, where its tag allows them."""
    if cell.cell_type != "code" or "own" not in tags(cell):
        return 0
    return sum(
        isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "own_or_reference"
        and getattr(node.args[0] if node.args else None, "id", "") == exercise.name
        for node in ast.walk(parse(cell.source))
    )


def _check_breaches(exercise: Parts) -> Iterator[str]:
    _, cell = exercise.check
    if exercise.name not in _names(cell.source):
        yield f"has a check that does not use {exercise.name}."
    if NOT_ATTEMPTED not in printed(cell) or "nbval-check-output" not in tags(cell):
        yield (
            f"has a check that does not store '{NOT_ATTEMPTED}' as a compared output: tag it "
            "'nbval-check-output' and run `make execute` with the stub in place."
        )


def _solution_breaches(notebook: NotebookNode, exercise: Parts) -> Iterator[str]:
    index, cell = exercise.solution
    before = notebook.cells[index - 1]
    if before.cell_type != "markdown":
        yield "has a solution without a markdown cell before it: say there what it does."
    elif "solution" not in tags(before):
        yield (
            "has a solution with a markdown cell before it that stays in the student edition: tag "
            "it 'solution' too."
        )
    if not cell.metadata.get("jupyter", {}).get("source_hidden"):
        yield "has a solution that is not collapsed: set its jupyter.source_hidden."
    defined = {node.name for node in parse(cell.source).body if hasattr(node, "name")}
    if f"{exercise.name}_solution" not in defined:
        yield f"has a solution that does not define {exercise.name}_solution."
    if exercise.name in {*defined, *_names(cell.source)}:
        yield f"has a solution that uses or replaces the learner's {exercise.name}."


@cache  # the same cells are asked for with each wrong answer
def parse(source: str) -> ast.Module:
    """Parse a cell, with its lines of IPython's own."""
    return ast.parse(TransformerManager().transform_cell(source))


def _names(source: str) -> list[str]:
    return [node.id for node in ast.walk(parse(source)) if isinstance(node, ast.Name)]
