import re
import subprocess

import pytest
from tiny_notebooks import REPOSITORY

PACKAGE = REPOSITORY / "course_utils"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
MACHINE_PATH = re.compile(r"/(?:work|root|opt)/[\w.-]+")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yml", ".cfg", ".ipynb", ".json", ""}


@pytest.mark.parametrize("name", MODULES)
def test_length(name):
    """Has the module less than 200 lines?"""
    assert len((PACKAGE / name).read_text(encoding="utf-8").splitlines()) < 200


@pytest.mark.parametrize(
    "name", [m for m in MODULES if not m.startswith("lessons/") and not m.endswith("__init__.py")]
)
def test_mirrored(name):
    """Has the module a test file of its name?"""
    folder, _, module = name.rpartition("/")
    assert (REPOSITORY / "tests" / folder / f"test_{module}").is_file()


def test_no_path_of_a_machine():
    """Is no file of the repository tied to a folder of its author's machine?"""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository: which files belong to it is unknown")
    paths = [REPOSITORY / name for name in listed.stdout.splitlines()]
    found = [
        f"{path.name}: {match[0]}"
        for path in paths
        if path.is_file() and path.suffix in TEXT_SUFFIXES
        for match in MACHINE_PATH.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []
