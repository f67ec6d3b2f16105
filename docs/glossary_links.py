"""A Sphinx extension that links a glossary's word where a lesson first uses it.

The link shows what the word means when the mouse rests on it, and leads to the word's row.
"""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

GLOSSARY = "docs/glossary"
ROW = re.compile(r"^\| (?P<names>[^|]+) \| [^|]+ \| (?P<meaning>[^|]+) \| .*\[\d\d\]", re.MULTILINE)
# Phrases of lessons in which a word of the glossary means another thing.
OTHER_MEANING = ("mixed precision", "are spread", "smoothing makes")
NOT_IN = (nodes.reference, nodes.literal, nodes.math, nodes.title, nodes.raw)


def read_terms(text: str) -> dict[str, tuple[str, str]]:
    """Read a glossary: word, in small letters -> (id of its row, what it means).

    A row names its word in several ways, "intersection over union (IoU)" or "batch, mini-batch".
    """
    terms = {}
    for row in ROW.finditer(text):
        meaning = row["meaning"].replace("`", "")
        for name in re.split(r", | \(|\)", row["names"]):
            if name:
                terms[name.casefold()] = (row_id(row["names"]), meaning)
    return terms


def row_id(names: str) -> str:
    """Return the id of a row by its first column."""
    return f"term-{nodes.make_id(names)}"


def link_first_uses(doctree: nodes.document, terms: dict[str, tuple[str, str]], uri: str) -> None:
    """Turn the first use of each row's word in running text into a link.

    Args:
        doctree: of a page, changed in place.
        terms: of `read_terms`.
        uri: of the glossary, as seen from the page.
    """
    longest_first = sorted(terms, key=len, reverse=True)
    words, others = ("|".join(map(re.escape, group)) for group in (longest_first, OTHER_MEANING))
    pattern = re.compile(rf"(?<![\w-])(?:{others}|({words})(?:s|es)?)(?![\w-])", re.IGNORECASE)
    seen = set()
    for paragraph in list(doctree.findall(nodes.paragraph)):
        for text in list(paragraph.findall(nodes.Text)):
            if not _inside(text, paragraph):
                parts = _parts(text, pattern, terms, uri, seen)
                text.parent.replace(text, parts)


def _inside(text: nodes.Text, paragraph: nodes.paragraph) -> bool:
    """Say whether a text is code, a formula or a link already."""
    parent = text.parent
    while parent is not paragraph:
        if isinstance(parent, NOT_IN):
            return True
        parent = parent.parent
    return False


def _parts(text: nodes.Text, pattern: re.Pattern, terms: dict, uri: str, seen: set) -> list:
    parts, rest = [], 0
    for match in pattern.finditer(text):
        row, meaning = terms.get((match[1] or "").casefold(), (None, ""))
        if row is None or row in seen:
            continue
        seen.add(row)
        parts.append(nodes.Text(text[rest : match.start()]))
        link = {"refuri": f"{uri}#{row}", "reftitle": meaning, "classes": ["term"]}
        parts.append(nodes.reference("", match[0], internal=True, **link))
        rest = match.end()
    return [*parts, nodes.Text(text[rest:])]


def resolve(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Link the words of a lesson; give the glossary's rows their ids."""
    if page == GLOSSARY:
        for row in doctree.findall(nodes.row):
            row[0]["ids"].append(row_id(row[0].astext()))
    elif page.startswith("notebooks/"):
        text = Path(app.srcdir, f"{GLOSSARY}.md").read_text(encoding="utf-8")
        uri = app.builder.get_relative_uri(page, GLOSSARY)
        link_first_uses(doctree, read_terms(text), uri)


def setup(app: Sphinx) -> dict:
    """Register it, for when all other links of a page are known."""
    app.connect("doctree-resolved", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
