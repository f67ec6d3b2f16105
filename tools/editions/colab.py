"""The Colab edition: the lessons with a first cell that fetches the course where it is missing.

    PYTHONPATH=tools python -m editions.colab --to FOLDER --project pyproject.toml notebook ...

Colab opens a notebook alone, without the repository that it is from. The cell clones the repository
and installs what is missing of the course's requirements; where `course_utils` is there already it
does nothing. Both are read from pyproject.toml, so that a lesson holds no copy that could go stale.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import List, Unicode

from course_utils._files import atomic_write
from editions.committed import read_lessons

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


# Colab is itself what opens the notebooks, and another server would only get in its way.
NOT_ON_COLAB = "jupyterlab"
SOURCE = """\
# @title Only where the course is not installed, as on Colab: fetch it (some minutes, once)
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("course_utils") is None:
    if not os.path.isdir("course"):
        clone = ["git", "clone", "--quiet", "--depth=1", {address}, "course"]
        subprocess.run(clone, check=True)
    packages = {packages}
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *packages], check=True)
    os.chdir("course/notebooks")
    sys.path.insert(0, os.path.dirname(os.getcwd()))"""


class AddFirstCell(Preprocessor):
    """Puts the fetching cell in front of a lesson's own cells."""

    enabled = True
    address = Unicode(help="The repository to clone.").tag(config=True)
    packages = List(Unicode(), help="The requirements to install.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Add the cell, collapsed, to one notebook; all else stays as it is."""
        nb.cells.insert(0, first_cell(self.address, self.packages))
        return nb, resources


def first_cell(address: str, packages: list[str]) -> NotebookNode:
    """Return the cell, collapsed in JupyterLab and, as a form, on Colab.

    Args:
        address: of the repository, as `git clone` takes it.
        packages: the course's requirements, as `pip install` takes them.
    """
    source = SOURCE.format(address=json.dumps(address), packages=json.dumps(packages))
    metadata = {"cellView": "form", "jupyter": {"source_hidden": True}}
    return nbformat.v4.new_code_cell(source, id="fetch-the-course", metadata=metadata)


def requirements(project: dict) -> list[str]:
    """Return the project's requirements without what only opens notebooks."""
    return [name for name in project["dependencies"] if not name.startswith(NOT_ON_COLAB)]


def main(arguments: list[str]) -> int:
    """Write the edition of the notebooks named, and say where the address is still missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--to", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--project", type=Path, required=True, help="the course's pyproject.toml")
    options = parser.parse_args(arguments)
    project = read_project(options.project)
    address = repository_address(project)
    step = AddFirstCell(address=address, packages=requirements(project))
    for name, lesson in read_lessons(options.notebooks).items():
        notebook, _ = step.preprocess(lesson, {})
        with atomic_write(options.to / name) as file:
            file.write(nbformat.writes(notebook).encode())
    print(f"{len(options.notebooks)} notebooks for Colab are in {options.to}.")
    if is_placeholder(address):
        print(
            f"Their first cell clones {address}, which is a placeholder: set Repository under "
            "[project.urls] in pyproject.toml to the course's public address."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
