"""The modules of the package that no page of docs/api names, so that the reference is whole."""

from __future__ import annotations

import re
from pathlib import Path

ALL_NAMED = "Every module stands on one of the pages before."


def modules_without_page(package: Path, pages: Path) -> list[str]:
    """Name the modules of the package, without its subpackages, that no page documents.

    Args:
        package: the package's folder.
        pages: the folder of the API's pages.
    """
    text = "\n".join(path.read_text(encoding="utf-8") for path in pages.glob("*.md"))
    named = set(re.findall(rf"automodule:: {package.name}\.(\w+)$", text, flags=re.MULTILINE))
    return sorted({path.stem for path in package.glob("[a-z]*.py")} - named)


def module_sections(package: str, names: list[str]) -> str:
    """Write a section with the documentation of each module, in MyST Markdown."""
    section = "## {1}\n\n```{{eval-rst}}\n.. automodule:: {0}.{1}\n```"
    return "\n\n".join(section.format(package, name) for name in names) or ALL_NAMED
