"""The modules of the package that no page of docs/api names, so that the reference is whole."""

from __future__ import annotations

import re
from pathlib import Path

ALL_NAMED = "Every module stands on one of the pages before."
# Settings, exercises and stored results of single lessons: the reference's index says why.
LEFT_OUT = "lessons"


def modules_without_page(package: Path, pages: Path) -> list[str]:
    """Name the modules of the package, as "plots" or "editions.colab", that no page documents.

    Args:
        package: the package's folder.
        pages: the folder of the API's pages.
    """
    text = "\n".join(path.read_text(encoding="utf-8") for path in pages.glob("*.md"))
    named = set(re.findall(rf"automodule:: {package.name}\.([\w.]+)$", text, flags=re.MULTILINE))
    parts = (path.relative_to(package).with_suffix("").parts for path in package.rglob("[a-z]*.py"))
    return sorted({".".join(names) for names in parts if names[0] != LEFT_OUT} - named)


def module_sections(package: str, names: list[str]) -> str:
    """Write a section with the documentation of each module, in MyST Markdown."""
    section = "## {1}\n\n```{{eval-rst}}\n.. automodule:: {0}.{1}\n```"
    return "\n\n".join(section.format(package, name) for name in names) or ALL_NAMED
