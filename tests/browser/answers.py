"""A lesson's exercise answered wrongly and rightly, as a learner does, and the progress after."""

from __future__ import annotations

import json
import runpy

import nbformat
from browser.notebook_page import NotebookPage
from browser.server import ROOT, Server
from notebook_cells import lesson_number
from notebook_exercises import PASSED, Parts, find_exercises, solution_as_answer


def answer_exercises(page: NotebookPage, notebook: nbformat.NotebookNode) -> list[str]:
    """Give a wrong answer and the right one to each exercise, and read what the check says.

    Returns:
        What is wrong, in sentences.
    """
    faults = []
    for exercise in find_exercises(notebook):
        source, words = _wrong_answer(notebook, exercise)
        for answer, expected in ((source, words), (solution_as_answer(exercise), PASSED)):
            page.run(page.find(f"def {exercise.name}("), answer)
            check = page.find(exercise.check[1].source.splitlines()[0])
            page.run(check)
            message = page.message(check, expected)
            label = "right" if expected is PASSED else "wrong"
            page.screenshot(f"answer_{label}")
            if expected not in message:
                faults.append(
                    f"the {label} answer to {exercise.name} got {message!r}, without {expected!r}"
                )
    return faults


def progress_after_a_restart(page: NotebookPage, server: Server) -> list[str]:
    """Restart the kernel, run lesson 00 again, and read its table of the learner's progress.

    Each exercise that is in the progress file has to be counted there.
    """
    page.restart()
    notebook = page.run_all()
    page.find("progress_table(")
    page.screenshot("progress")
    text = "\n".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))
    faults = []
    for number, kinds in json.loads(server.progress.read_text(encoding="utf-8")).items():
        passed = len(kinds.get("exercises", {}))
        rows = [line for line in text.splitlines() if line.startswith(f"{number}  ")]
        if passed and not any(line.split()[-3:-1] == ["-", str(passed)] for line in rows):
            faults.append(f"after a restart the table has not {passed} passed in lesson {number}")
    return faults


def _wrong_answer(notebook: nbformat.NotebookNode, exercise: Parts) -> tuple[str, str]:
    """Return the first of the lesson's wrong answers, and the words that the check has for it."""
    path = ROOT / "tests" / "wrong_answers" / f"lesson_{lesson_number(notebook)}.py"
    answers = runpy.run_path(str(path))["WRONG_ANSWERS"].values()
    return next(pair for pair in answers if f"def {exercise.name}(" in pair[0])
