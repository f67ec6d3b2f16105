"""Leaks: markers that nearly mark a solution, and text of one that survives in an edition."""

from __future__ import annotations

import ast
import difflib
import html
import re
from collections.abc import Iterable, Iterator

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import List, Unicode

from editions import EditionError

SOLUTION = "solution"  # the tag

# The share of letters in common, in order, from which a tag is taken for a mistyped one.
ALIKE = 0.7
# The markers of other tools (nbgrader, Otter, Neuromatch), which mean nothing here.
FOREIGN_MARKER = re.compile(r"^\s*#.*\b(?:(?:BEGIN|END) SOLUTION|to_remove\w*)", re.MULTILINE)


class RefuseNearMisses(Preprocessor):
    """Refuses a notebook in which a solution may be marked wrongly, and so would stay."""

    enabled = True

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Pass a notebook on as it is.

        Raises:
            EditionError: there is a near miss.
        """
        sentences = near_misses(nb)
        if sentences:
            raise EditionError("\n".join(sentences))
        return nb, resources


def near_misses(notebook: NotebookNode) -> list[str]:
    """Return a sentence for each marker that nearly marks a solution, and each that is missing."""
    sentences = []
    for index, cell in enumerate(notebook.cells):
        sentences += [f"Cell {index} {words}" for words in _of_cell(cell)]
    exercises, solutions = (
        sum(cell.cell_type == "code" and tag in _tags(cell) for cell in notebook.cells)
        for tag in ("exercise", SOLUTION)
    )
    if solutions != exercises:
        sentences.append(
            f"{exercises} code cells are tagged 'exercise' and {solutions} {SOLUTION!r}: each "
            "exercise needs one solution, so that none stays for want of its tag."
        )
    return sentences


def is_near_miss(tag: str) -> bool:
    """Say whether a tag is not `solution`, but may have been meant to be."""
    plain = tag.strip().casefold()
    alike = difflib.SequenceMatcher(None, plain, SOLUTION).ratio() >= ALIKE
    return tag != SOLUTION and (alike or SOLUTION in plain)


def _of_cell(cell: NotebookNode) -> list[str]:
    """Return what is wrong with one cell's markers, as ends of sentences."""
    words = [
        f"has the tag {tag!r}, which marks no solution: write {SOLUTION!r} or another word."
        for tag in _tags(cell)
        if is_near_miss(tag)
    ]
    words += [
        f"has {key!r} in its metadata, which marks no solution: put {SOLUTION!r} into its tags."
        for key in cell.metadata
        if is_near_miss(key) or key == SOLUTION
    ]
    if not isinstance(cell.metadata.get("tags", []), list):
        words.append("has tags that are no list, so that nothing reads them: make them one.")
    if SOLUTION not in _tags(cell):
        words += [
            f"holds the marker {match[0].strip()!r} of another tool: tag the cell {SOLUTION!r}."
            for match in FOREIGN_MARKER.finditer(cell.source)
        ]
    return words


def _tags(cell: NotebookNode) -> list[str]:
    tags = cell.metadata.get("tags", [])
    return [tags] if isinstance(tags, str) else tags


class RefuseAnswers(Preprocessor):
    """Refuses a notebook in which the teacher's own answer stands: a solved exercise, a guess."""

    enabled = True

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Pass a notebook on as it is.

        Raises:
            EditionError: there is an answer.
        """
        sentences = answers(nb)
        if sentences:
            raise EditionError("\n".join(sentences))
        return nb, resources


def answers(notebook: NotebookNode) -> list[str]:
    """Return a sentence for each exercise, guess and quiz question that is answered."""
    sentences = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        if "exercise" in _tags(cell) and "NotImplementedError" not in cell.source:
            sentences.append(f"Cell {index} is an exercise that is solved: put its stub back.")
        for call in _calls(cell.source):
            name, place = call.func.id, {"predict": 2, "ask": 6}.get(call.func.id)
            given = [k.value for k in call.keywords if k.arg in ("guess", "answer")]
            given += call.args[place : place + 1] if place else []
            if place and any(map(_is_answer, given)):
                sentences.append(f"Cell {index} answers {name}(...): put None back.")
    return sentences


def _calls(source: str) -> Iterator[ast.Call]:
    """Yield the calls of functions by their bare names."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a magic command, say
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node


def _is_answer(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is not None


# A line of fewer words (`break`, `model.eval()`, `last += 1`) stands in other code as well.
MIN_WORDS = 3


class RefuseLeaks(Preprocessor):
    """Refuses a notebook in which a line of a solution survives, in whatever place."""

    enabled = True
    lines = List(Unicode(), help="The lines to look for: see `solution_lines`.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Pass a notebook on as it is.

        Raises:
            EditionError: a line survives.
        """
        sentences = leaks(nb, self.lines)
        if sentences:
            raise EditionError("\n".join(sentences))
        return nb, resources


def solution_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells tagged as a solution: its code, and the text that leads to it."""
    return [cell for cell in notebook.cells if SOLUTION in cell.metadata.get("tags", [])]


def solution_lines(notebooks: Iterable[NotebookNode]) -> list[str]:
    """Return the lines of all solutions that are long enough to give one away.

    The names of the solutions' functions, as `accuracy_solution`, count as lines of their own.
    """
    lines = [
        line.strip()
        for notebook in notebooks
        for cell in solution_cells(notebook)
        for line in cell.source.splitlines()
    ]
    names = re.findall(r"\b\w+_solution\b", "\n".join(lines))
    return sorted({line for line in lines if len(re.findall(r"\w+", line)) >= MIN_WORDS} | {*names})


def leaks(notebook: NotebookNode, lines: Iterable[str]) -> list[str]:
    """Return a sentence for each place of a notebook in which one of the lines survives.

    Looked through are the source, the outputs, the attachments and all metadata. Spaces do not
    count, and `&lt;` is read as `<`.
    """
    bare_lines = {_bare(line): line for line in lines}
    return [
        f"{place} still holds {line!r} of a solution: write it otherwise, or tag it 'solution'."
        for place, text in _texts(notebook)
        for bare, line in bare_lines.items()
        if bare in text
    ]


def _texts(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield each part of a notebook, as its place and its bare text."""
    yield "The notebook's metadata", _bare("\n".join(_strings(notebook.metadata)))
    for index, cell in enumerate(notebook.cells):
        for part in ("source", "outputs", "attachments", "metadata"):
            yield f"Cell {index} ({part})", _bare("\n".join(_strings(cell.get(part, ""))))


def _strings(value) -> Iterator[str]:
    """Yield all texts in nested lists and dictionaries, their keys included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str):
        yield value


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", html.unescape(text))
