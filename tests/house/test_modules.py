import re
import subprocess
import sys

import pytest
from tiny_notebooks import REPOSITORY

PACKAGE, TESTS = REPOSITORY / "course_utils", REPOSITORY / "tests"
MACHINE_PATH = re.compile(r"/(?:work|root|opt)/[\w.-]+")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yml", ".cfg", ".ipynb", ".json", ""}


def modules(folder, pattern):
    """Name the modules below a folder, as lr/finder; those of single lessons go their own ways."""
    paths = (path.relative_to(folder).with_suffix("") for path in folder.rglob(pattern))
    return {path for path in paths if path.parts[0] != "lessons" and path.name != "__init__"}


def test_mirrored():
    """Has each module a test file of its name in its room's folder, and that folder no other?"""
    wanted = {path.with_name(f"test_{path.name.lstrip('_')}") for path in modules(PACKAGE, "*.py")}
    found = modules(TESTS, "test_*.py")
    assert wanted - found == set()
    rooms = {path.parent for path in wanted if path.parent.name}
    assert {path for path in found - wanted if path.parent in rooms} == set()


@pytest.mark.slow
def test_lessons_start_quickly():
    """Does a lesson's set-up load neither torchvision nor scipy, which take two seconds?"""
    code = "import sys, course_utils.lessons; print({'torchvision', 'scipy'} & sys.modules.keys())"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


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
