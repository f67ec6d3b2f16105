"""What every lesson's notebook is held to.

A rule takes a notebook and returns sentences, one a breach, each of which says what to do; no
sentence means that the notebook keeps the rule.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import nbformat
from editions.assignment import grading_metadata
from editions.colab import read_project, repository_address
from editions.leaks import leaks, near_misses, solution_cells, solution_lines
from nbformat import NotebookNode
from nbval_summary import count_claims
from notebook_cells import code_cells, lesson_number, printed, tags
from notebook_exercises import exercise_sentences, own_sentences, parse

SECTIONS = (
    "Goals",
    "Predict",
    "The trick in plain PyTorch",
    "Exercise",
    "The package",
    "Does it hold?",
    "Recipe",
    "Quiz",
    "Going further",
    "Further reading",
)
ROOT = Path(__file__).resolve().parents[2]
TAGS = {
    "nbval-check-output",
    "nbval-skip",
    "raises-exception",
    "claims",
    "exercise",
    "check",
    "solution",
    "own",
}
MAX_BYTES = 2_000_000
MAX_CODE_LINES = 300
MAX_IMPORTS = 6
# A module of a room, past its face; single lessons have none.
PAST_A_FACE = re.compile(r"\bcourse_utils\.(?!lessons\b)\w+\.\w+")
MAX_WORDS = 120
CELLS = range(20, 61)
CLAIMS = range(2, 5)
# Reading time: words and lines of code a minute; minutes a figure, an exercise, the quiz.
WORDS_A_MINUTE = 200
LINES_A_MINUTE = 15
MINUTES_A_FIGURE = 1.5
MINUTES_AN_EXERCISE = 12
MINUTES_THE_QUIZ = 3
MINUTES = re.compile(r"\babout (\d+) minutes\b")
TOLERANCE = 0.15
CORE_MINUTES = 30
LONGER = {"09": 35, "10": 35}
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
    return _in_order(_headings(notebook), SECTIONS)


def short_texts(notebook: NotebookNode) -> list[str]:
    """Limit a markdown cell, so that it holds one idea."""
    return [
        f"Cell {index} has {count} words, but {MAX_WORDS} are allowed: split it."
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown" and (count := len(cell.source.split())) > MAX_WORDS
    ]


def first_figure(notebook: NotebookNode) -> list[str]:
    """Require a figure, the lesson's best, before anything is asked of the learner."""
    for cell in notebook.cells:
        if _figures(cell):
            return []
        if "## Predict" in cell.source.splitlines():
            break
    return ["No figure stands before '## Predict': begin with the lesson's best one."]


def plain_pytorch(notebook: NotebookNode) -> list[str]:
    """Require the trick on the page, with its own training step."""
    shown = [cell for cell in code_cells(notebook) if "solution" not in tags(cell)]
    if any(map(_calls_backward, shown)):
        return []
    return ["No cell calls `.backward()`: show the trick in plain PyTorch, with its loop."]


def alternative_texts(notebook: NotebookNode) -> list[str]:
    """Require words for who cannot see a figure."""
    return [
        f"Cell {index} draws a figure without alt text: say what is plotted and what one sees, in "
        "one or two sentences, as `alt` in its metadata."
        for index, cell in enumerate(notebook.cells)
        if _figures(cell) and not str(cell.metadata.get("alt", "")).strip()
    ]


def glossary(notebook: NotebookNode) -> list[str]:
    """Require a way to the words' meanings: the web edition links more words by itself."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    if any("](../docs/glossary.md)" in text for text in texts):
        return []
    return ["No word leads to the glossary: link one, as [nats](../docs/glossary.md)."]


def no_holes(notebook: NotebookNode) -> list[str]:
    """Refuse a result that is still to come."""
    return [
        f"Cell {index} says 'not yet measured': measure it, or leave it out."
        for index, cell in enumerate(notebook.cells)
        if "not yet measured" in " ".join(f"{cell.source} {printed(cell)}".lower().split())
    ]


def honest_minutes(notebook: NotebookNode) -> list[str]:
    """Require the title to promise the minutes that the core takes, and the core to be short."""
    needed, number = reading_minutes(notebook), lesson_number(notebook)
    promise = MINUTES.search(notebook.cells[0].source)
    most = LONGER.get(number, CORE_MINUTES)
    sentences = []
    if promise is None:
        sentences.append(f"The first cell promises no time: write 'about {needed:.0f} minutes'.")
    elif abs(int(promise[1]) - needed) > TOLERANCE * needed:
        sentences.append(
            f"The first cell promises {promise[1]} minutes, but the core, all before '## Going "
            f"further', takes {needed:.0f}: correct it, or move something there."
        )
    if promise and int(promise[1]) > most:
        sentences.append(
            f"The first cell promises {promise[1]} minutes, but {most} are allowed: cut the "
            "core, or move something under '## Going further'."
        )
    return sentences


def way_on(notebook: NotebookNode) -> list[str]:
    """Require the last cell to lead to the next lesson and to where an error is reported."""
    last = notebook.cells[-1].source
    address = repository_address(read_project(ROOT / "pyproject.toml"))
    report = f"({address}/issues/new?title=Lesson%20{lesson_number(notebook)})"
    sentences = []
    if not re.search(r"Next: \[[^]]+\]\([^)]+\)", last):
        sentences.append("The last cell leads to no lesson: write 'Next: [title](NN_name.ipynb)'.")
    if f"[Report an error]{report}" not in last:
        sentences.append(f"The last cell does not say [Report an error]{report}: add it.")
    return sentences


def prose_after_figures(notebook: NotebookNode) -> list[str]:
    """Require a paragraph under every figure that says what to see in it."""
    following = [*notebook.cells[1:], None]
    return [
        f"Cell {index} draws a figure and no text follows it: say what to see in it."
        for index, (cell, after) in enumerate(zip(notebook.cells, following, strict=True))
        if _figures(cell)
        and (after is None or after.cell_type != "markdown" or not _has_paragraph(after.source))
    ]


def compared_cells(notebook: NotebookNode) -> list[str]:
    """Require a claims table that is compared."""
    sentences = [
        f"Cell {index} is compared, but stores no text: print something that holds everywhere."
        for index, cell in enumerate(notebook.cells)
        if "nbval-check-output" in tags(cell) and not printed(cell).strip()
    ]
    claims = [cell for cell in notebook.cells if "claims" in tags(cell)]
    if not claims:
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
    short_texts,
    first_figure,
    plain_pytorch,
    own_sentences,
    alternative_texts,
    prose_after_figures,
    glossary,
    no_holes,
    honest_minutes,
    way_on,
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


def words(text: str) -> int:
    """Count the words that a reader sees, without the addresses of links and without HTML."""
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"</?\w+[^>]*>", " ", text)
    return len(re.findall(r"\S*\w\S*", text))


def reading_minutes(notebook: NotebookNode) -> float:
    """Return the minutes that the core takes, all before the section "Going further".

    What an exercise consists of, hints and solution included, is in the time of the exercise; what
    is folded is not read.
    """
    minutes = 0.0
    for cell in notebook.cells:
        source = cell.source
        if "## Going further" in source.splitlines():
            break
        minutes += MINUTES_A_FIGURE * _figures(cell)
        minutes += MINUTES_THE_QUIZ * ("## Quiz" in source.splitlines())
        minutes += MINUTES_AN_EXERCISE * ("exercise" in tags(cell))
        if {"exercise", "check", "solution"} & {*tags(cell)}:
            continue
        if cell.cell_type == "markdown":
            minutes += words(re.sub(r"(?s)<details>.*?</details>", "", source)) / WORDS_A_MINUTE
        elif not cell.metadata.get("jupyter", {}).get("source_hidden"):
            lines = [line for line in source.splitlines() if line.strip()]
            minutes += len(lines) / LINES_A_MINUTE
    return minutes


def _figures(cell: NotebookNode) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def _calls_backward(cell: NotebookNode) -> bool:
    return any(
        isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "backward"
        for node in ast.walk(parse(cell.source))
    )


def _in_order(headings: list[str], wanted: Sequence[str]) -> list[str]:
    """Say which headings are missing or out of order; others may stand between."""
    found = [heading for heading in headings if heading in wanted]
    missing = [name for name in wanted if name not in found]
    sentences = [f"The section '## {name}' is missing: add it." for name in missing]
    if not sentences and found != list(wanted):
        sentences = [f"The sections come as {', '.join(found)}, not as {', '.join(wanted)}."]
    return sentences


def _headings(notebook: NotebookNode) -> list[str]:
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [line[3:].strip() for text in texts for line in text.splitlines() if line[:3] == "## "]


def _has_paragraph(text: str) -> bool:
    """Tell whether some line is neither empty nor a heading."""
    return any(line.strip() and not line.startswith("#") for line in text.splitlines())
