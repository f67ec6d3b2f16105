"""What every lesson's notebook is held to.

A rule takes a notebook and returns sentences, one a breach, each of which says what to do; no
sentence means that the notebook keeps the rule.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from editions.assignment import grading_metadata
from editions.leaks import leaks, near_misses, solution_cells, solution_lines
from nbformat import NotebookNode
from nbval_summary import count_claims
from notebook_cells import code_cells, lesson_number, printed, tags
from notebook_exercises import exercise_sentences

SECTIONS = (
    "Goals",
    "Before you start",
    "Predict",
    "Run",
    "Exercise",
    "Claims",
    "Quiz",
    "Take-away",
    "Further reading",
)
# Lesson 00 makes no experiment whose claims could be decided.
LESSONS_WITHOUT_CLAIMS = ("00",)
TAGS = {
    "nbval-check-output",
    "nbval-skip",
    "raises-exception",
    "claims",
    "exercise",
    "check",
    "solution",
}
MAX_BYTES = 2_000_000
MAX_CODE_LINES = 250
MAX_IMPORTS = 6
# A module of a room, past its face; single lessons have none.
PAST_A_FACE = re.compile(r"\bcourse_utils\.(?!lessons\b)\w+\.\w+")
CELLS = range(20, 46)
CLAIMS = range(2, 5)
# At the start of a word, so that a web address with such a folder in it is none.
MACHINE_PATH = re.compile(
    r"(?<![\w./:~-])(?:/(?:home|root|tmp|work|Users|var)\b|[A-Z]:\\Users)[^\s'\"]*"
)

Rule = Callable[[NotebookNode], list[str]]


def title(notebook: NotebookNode) -> list[str]:
    """Require a first cell with the lesson's number and name."""
    if lesson_number(notebook):
        return []
    return ["The first cell is not a title such as '# 02 · The learning-rate finder': give it one."]


def execution_counts(notebook: NotebookNode) -> list[str]:
    """Require a run from top to bottom; nbval compares nothing in a cell without a count."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts == list(range(1, len(counts) + 1)):
        return []
    return [f"The execution counts are {counts}, not 1, 2, 3, ...: run `make execute`."]


def no_stored_error(notebook: NotebookNode) -> list[str]:
    """Refuse an output that is an error, where none is meant."""
    return [
        f"Cell {index} holds an error ({output.ename}): mend it and run `make execute`."
        for index, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", [])
        if output.output_type == "error" and "raises-exception" not in tags(cell)
    ]


def kernelspec(notebook: NotebookNode) -> list[str]:
    """Require the kernel name that every Jupyter has."""
    name = notebook.metadata.get("kernelspec", {}).get("name")
    return [] if name == "python3" else [f"The kernel is {name!r}: choose 'python3'."]


def no_machine_paths(notebook: NotebookNode) -> list[str]:
    """Refuse paths of the author's machine, in sources and in outputs."""
    return [
        f"Cell {index} holds the path {match[0]!r}: it exists on one machine only, take it out."
        for index, cell in enumerate(notebook.cells)
        for match in MACHINE_PATH.finditer(f"{cell.source}\n{printed(cell)}")
    ]


def no_stored_widgets(notebook: NotebookNode) -> list[str]:
    """Refuse sliders, which a page without a kernel shows as an error, if at all."""
    kinds = [
        kind for c in notebook.cells for o in c.get("outputs", []) for kind in o.get("data", {})
    ]
    if "widgets" not in notebook.metadata and not any("widget-view" in kind for kind in kinds):
        return []
    return ["The notebook stores widgets: run `make execute`, which stores plain pictures instead."]


def size(notebook: NotebookNode) -> list[str]:
    """Limit the file, so that it opens fast and the repository stays small."""
    count = len(nbformat.writes(notebook).encode())
    if count < MAX_BYTES:
        return []
    return [
        f"The notebook has {count / 1e6:.1f} MB, but {MAX_BYTES / 1e6:g} are allowed: "
        "draw fewer or smaller figures."
    ]


def length(notebook: NotebookNode) -> list[str]:
    """Limit cells and lines of code, so that a lesson stays a lesson."""
    sentences = []
    lines = sum(cell.source.count("\n") + 1 for cell in code_cells(notebook))
    if len(notebook.cells) not in CELLS:
        sentences.append(
            f"The notebook has {len(notebook.cells)} cells, but {CELLS[0]} to {CELLS[-1]} are "
            "allowed."
        )
    if lines > MAX_CODE_LINES:
        sentences.append(
            f"The notebook has {lines} lines of code, but {MAX_CODE_LINES} are allowed: "
            "move some to course_utils."
        )
    return sentences


def set_up(notebook: NotebookNode) -> list[str]:
    """Require a short set-up, out of the reader's way, and imports from the rooms' faces."""
    sentences = [
        f"Cell {index} imports from {match[0]}: import from the room's face."
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        for match in PAST_A_FACE.finditer(cell.source)
    ]
    first = code_cells(notebook)[0]
    count = len(re.findall(r"^(?:from|import) ", first.source, flags=re.MULTILINE))
    if count > MAX_IMPORTS:
        sentences.append(
            f"The first code cell has {count} import lines, but {MAX_IMPORTS} are allowed: "
            "import what is used once where it is used."
        )
    if count and not first.metadata.get("jupyter", {}).get("source_hidden"):
        sentences.append("The first code cell is not collapsed: set its jupyter.source_hidden.")
    return sentences


def known_tags(notebook: NotebookNode) -> list[str]:
    """Refuse a tag that nothing reads: it may be a mistyped one, and a solution would leak."""
    return [
        f"Cell {index} has the unknown tag {tag!r}: the tags are {', '.join(sorted(TAGS))} "
        "and timeout-N."
        for index, cell in enumerate(notebook.cells)
        for tag in tags(cell)
        if tag not in TAGS and not re.fullmatch(r"timeout-\d+", tag)
    ]


def sections(notebook: NotebookNode) -> list[str]:
    """Require the sections of a lesson, as headings of level 2, each once and in order."""
    wanted = [s for s in SECTIONS if s != "Claims" or not _is_without_claims(notebook)]
    found = [heading for heading in _headings(notebook) if heading in SECTIONS]
    missing = [name for name in wanted if name not in found]
    sentences = [f"The section '## {name}' is missing: add it." for name in missing]
    if not sentences and found != wanted:
        sentences = [f"The sections come as {', '.join(found)}, not as {', '.join(wanted)}."]
    return sentences


def prose_after_figures(notebook: NotebookNode) -> list[str]:
    """Require a paragraph under every figure that says what to see in it."""
    following = [*notebook.cells[1:], None]
    return [
        f"Cell {index} draws a figure and no text follows it: say what to see in it."
        for index, (cell, after) in enumerate(zip(notebook.cells, following, strict=True))
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        and (after is None or after.cell_type != "markdown" or not _has_paragraph(after.source))
    ]


def compared_cells(notebook: NotebookNode) -> list[str]:
    """Require a claims table that is compared, or in lesson 00 any cell that is compared."""
    sentences = [
        f"Cell {index} is compared, but stores no text: print something that holds everywhere."
        for index, cell in enumerate(notebook.cells)
        if "nbval-check-output" in tags(cell) and not printed(cell).strip()
    ]
    if not any("nbval-check-output" in tags(cell) for cell in notebook.cells):
        sentences.append("No cell is compared: tag one 'nbval-check-output'.")
    claims = [cell for cell in notebook.cells if "claims" in tags(cell)]
    if not claims and not _is_without_claims(notebook):
        sentences.append("No cell is tagged 'claims': print the claims table in one.")
    for cell in claims:
        count = count_claims(cell.get("outputs", []))
        if "nbval-check-output" not in tags(cell):
            sentences.append("The claims table is not compared: tag it 'nbval-check-output' too.")
        if count not in CLAIMS:
            sentences.append(
                f"The claims table has {count} claims, but a lesson makes {CLAIMS[0]} to "
                f"{CLAIMS[-1]}."
            )
    return sentences


def stored_grading_metadata(notebook: NotebookNode) -> list[str]:
    """Require nbgrader's metadata, as the tags ask for it."""
    wanted = grading_metadata(notebook)
    return [
        f"Cell {index} has not the nbgrader metadata of its tags: `make execute` writes it."
        for index, cell in enumerate(notebook.cells)
        if cell.metadata.get("nbgrader") != wanted.get(index)
    ]


def no_solution_for_students(notebook: NotebookNode) -> list[str]:
    """Refuse what would let a solution into the student edition."""
    without = copy.deepcopy(notebook)
    for cell in solution_cells(without):
        cell.update(source="", outputs=[])
    return near_misses(notebook) + leaks(without, solution_lines([notebook]))


RULES: tuple[Rule, ...] = (
    title,
    execution_counts,
    no_stored_error,
    kernelspec,
    no_machine_paths,
    no_stored_widgets,
    size,
    length,
    set_up,
    known_tags,
    sections,
    prose_after_figures,
    compared_cells,
    exercise_sentences,
    stored_grading_metadata,
    no_solution_for_students,
)


def breaches(notebook: NotebookNode) -> Iterator[tuple[Rule, str]]:
    """Yield every breach of every rule, with the rule."""
    for rule in RULES:
        for sentence in rule(notebook):
            yield rule, sentence


def read(path: Path) -> NotebookNode:
    """Read a notebook, as it is stored."""
    return nbformat.read(path, as_version=4)


def _is_without_claims(notebook: NotebookNode) -> bool:
    return lesson_number(notebook) in LESSONS_WITHOUT_CLAIMS


def _headings(notebook: NotebookNode) -> list[str]:
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [line[3:].strip() for text in texts for line in text.splitlines() if line[:3] == "## "]


def _has_paragraph(text: str) -> bool:
    """Tell whether some line is neither empty nor a heading."""
    return any(line.strip() and not line.startswith("#") for line in text.splitlines())
