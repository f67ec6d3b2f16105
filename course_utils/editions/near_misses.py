"""Near misses: markers that look as if they marked a solution, and do not."""

from __future__ import annotations

import difflib
import re

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from course_utils.editions import EditionError
from course_utils.editions.solutions import SOLUTION

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
