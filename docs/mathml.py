"""Writes formulas as MathML, which browsers draw by themselves: no script, nothing fetched."""

from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert


def write_formula(self, node: nodes.Element) -> None:
    """Write an inline formula."""
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def write_display(self, node: nodes.Element) -> None:
    """Write a formula that has lines of its own."""
    self.body.append(convert(node.astext(), display="block"))
    raise nodes.SkipNode


def setup(app) -> dict[str, bool]:
    """Make it Sphinx' way of writing formulas."""
    app.add_html_math_renderer("mathml", (write_formula, None), (write_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
