"""Who may import whom: pyproject.toml has the layers."""

import shutil
import subprocess
import sys

import pytest
from tiny_notebooks import REPOSITORY

PLANT = """

def _planted():
    from course_utils.{0} import {1}

    return {1}
"""
ROOM = '"""A room that has no place yet."""\n'
# What is planted -> the file, what is put at its end, the contract that breaks (None: no one).
PLANTS = {
    "nothing": ("training/device.py", "", None),
    "downwards": ("lessons/exercise_00.py", PLANT.format("data", "splits"), None),
    "upwards": ("training/device.py", PLANT.format("lr", "finder"), "run downwards"),
    "to a lesson": ("plotting/style.py", PLANT.format("lessons", "exercise_00"), "run downwards"),
    "to the neighbour": ("lr/finder.py", PLANT.format("imbalance", "sampling"), "run downwards"),
    "from the ground": ("models.py", PLANT.format("data", "splits"), "run downwards"),
    "teaching": ("teaching/quiz.py", PLANT.format("training", "loop"), "ground floor alone"),
    "to teaching": ("lr/finder.py", PLANT.format("teaching", "quiz"), "run downwards"),
    "a new room": ("attic.py", ROOM, "run downwards"),
}


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", PLANTS)
def test_imports_against_the_layers(name, tmp_path):
    """Does `lint-imports` fail where a planted import runs against the layers, and only there?"""
    place, text, contract = PLANTS[name]
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "course_utils", tmp_path / "course_utils", ignore=unwanted)
    with (tmp_path / "course_utils" / place).open("a", encoding="utf-8") as file:
        file.write(text)
    result = run(f"{sys.prefix}/bin/lint-imports", "--no-cache", cwd=tmp_path)
    broken = [line for line in result.stdout.splitlines() if line.endswith("BROKEN")]
    assert result.returncode == (contract is not None), result.stdout + result.stderr
    assert [contract in line for line in broken] == [True] * (contract is not None)


@pytest.mark.skipif(shutil.which("make") is None, reason="the command is make's")
def test_lint_runs_it():
    """Does `make lint` run what is tested above?"""
    assert "/lint-imports --no-cache\n" in run("make", "--dry-run", "lint", cwd=REPOSITORY).stdout
