"""A Sphinx extension for the house style of docstrings, with code between single backticks.

A name between backticks links to what it names, where that is documented here. What is no name
(`1 - beta**t`) becomes plain code, and so does a name of another package.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole

NAME = re.compile(r"[A-Za-z_][\w.]*")
# reStructuredText knows no end of code before a letter, as in `DataLoader`s.
CODE_BEFORE_LETTER = re.compile(r"(?<![`\w])(`[^`]+`)(?=\w)")


def name_role(role, rawtext, text, lineno, inliner, options=None, content=()):
    """Return the nodes for text between backticks: a link to a Python object, or code."""
    if NAME.fullmatch(text):
        # A full stop in front lets `loop.fit` be the end of a longer name.
        target = f".{text}" if "." in text else text
        return PyXRefRole()("py:obj", rawtext, target, lineno, inliner, options or {}, content)
    return [nodes.literal(rawtext, text)], []


def end_code_before_letters(app, what, name, obj, options, lines: list[str]) -> None:
    """Put reStructuredText's mark where code ends right before a letter, in all lines."""
    lines[:] = [CODE_BEFORE_LETTER.sub(r"\1\\ ", line) for line in lines]


def setup(app: Sphinx) -> dict:
    """Register the role `name`, which conf.py makes the default one, and the mending of lines."""
    app.add_role("name", name_role)
    app.connect("autodoc-process-docstring", end_code_before_letters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
