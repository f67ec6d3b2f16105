"""The stored states of widgets, and their removal."""

from __future__ import annotations

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode


class ClearWidgetStates(Preprocessor):
    """Removes the states of widgets, which are outputs that Jupyter keeps in the metadata."""

    enabled = True

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Remove the states from one notebook."""
        nb.metadata.pop("widgets", None)
        return nb, resources
