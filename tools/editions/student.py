"""The student edition: the lessons without solutions and without stored outputs.

    PYTHONPATH=tools python -m editions.student --to FOLDER notebook ...

Nothing is written where one of the notebooks is refused; exit status 1, and a sentence says why.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbconvert.preprocessors import (
    ClearOutputPreprocessor,
    Preprocessor,
    TagRemovePreprocessor,
)
from nbformat import NotebookNode
from traitlets import default
from traitlets.config import Config

from course_utils._files import atomic_write
from editions import EditionError
from editions.committed import read_lessons
from editions.leaks import SOLUTION, RefuseAnswers, RefuseLeaks, RefuseNearMisses, solution_lines


class RemoveSolutions(TagRemovePreprocessor):
    """Removes the cells tagged `solution`: the code, and the text that leads to it."""

    enabled = True

    @default("remove_cell_tags")
    def _remove_cell_tags(self) -> set[str]:
        return {SOLUTION}


class ClearWidgetStates(Preprocessor):
    """Removes the states of widgets, which are outputs that Jupyter keeps in the metadata."""

    enabled = True

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Remove the states from one notebook."""
        nb.metadata.pop("widgets", None)
        return nb, resources


STEPS = (
    RefuseNearMisses,
    RefuseAnswers,
    RemoveSolutions,
    ClearOutputPreprocessor,
    ClearWidgetStates,
    RefuseLeaks,
)


def student_editions(paths: Sequence[Path]) -> dict[str, str]:
    """Make the student edition of lessons, and search each for the solutions of all of them.

    Args:
        paths: the lessons' notebooks.

    Returns:
        File name -> the notebook as text.

    Raises:
        EditionError: a marker is nearly one of a solution, an exercise or a guess is answered, or a
            line of a solution survives.
        FileNotFoundError: there is no such notebook.
    """
    notebooks = read_lessons(paths)
    exporter = NotebookExporter(
        config=Config(RefuseLeaks={"lines": solution_lines(notebooks.values())}),
        default_preprocessors=[],
        preprocessors=list(STEPS),
    )
    editions, sentences = {}, []
    for name, notebook in notebooks.items():
        try:
            editions[name], _ = exporter.from_notebook_node(notebook)
        except EditionError as error:
            sentences += [f"{name}: {sentence}" for sentence in str(error).splitlines()]
    if sentences:
        raise EditionError("\n".join(sentences))
    return editions


def write_editions(editions: dict[str, str], folder: Path) -> None:
    """Write notebooks, each as a whole or not at all."""
    for name, text in editions.items():
        with atomic_write(folder / name) as file:
            file.write(text.encode("utf-8"))
        (folder / name).chmod(0o644)  # students read it, from a shared folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the student edition of the notebooks on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("notebooks", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        write_editions(student_editions(options.notebooks), options.to)
    except (EditionError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(options.notebooks)} lessons without solutions and outputs: {options.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
