"""What pyproject.toml says of the course: its requirements and its public address."""

from __future__ import annotations

import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PLACEHOLDER = "OWNER/REPO"


def read_project(path: Path) -> dict:
    """Return the table `[project]` of a pyproject.toml."""
    return tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def repository_address(project: dict) -> str:
    """Return the address of the course's repository.

    Raises:
        ValueError: the project names none.
    """
    address = project.get("urls", {}).get("Repository", "")
    if not address:
        raise ValueError(
            "pyproject.toml names no repository: set Repository under [project.urls] to its "
            "address."
        )
    return address.removesuffix("/").removesuffix(".git")


def is_placeholder(address: str) -> bool:
    """Tell whether the address still is the one that the course had before it was published."""
    return address.endswith(PLACEHOLDER)


def owner_and_name(address: str) -> str:
    """Return "owner/name" of a repository on GitHub, from which Colab and Binder fetch.

    Raises:
        ValueError: the address is not one on GitHub.
    """
    match = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", address)
    if not match:
        raise ValueError(
            f"The repository is {address!r}, but the badges need https://github.com/OWNER/NAME: "
            "correct [project.urls] in pyproject.toml, or take the badges out of README.md."
        )
    return match[1]
