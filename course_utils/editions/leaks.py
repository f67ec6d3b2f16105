"""Leaks: text of a solution that survives in what the students get."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import List, Unicode

from course_utils.editions import EditionError
from course_utils.editions.solutions import solution_cells

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
