import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest
from tiny_notebooks import REPOSITORY

pytestmark = pytest.mark.slow
# What a stranger does with the package, far from its repository.
SCRIPT = """
import importlib, pkgutil, sys
from pathlib import Path

import course_utils

print(course_utils.__file__)
for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
    importlib.import_module(module.name)

import torch
from course_utils.data import load_fashion_mnist, load_images
from course_utils.profiles import data_folder

print(data_folder())
try:
    load_fashion_mnist()
except FileNotFoundError as error:
    print(error)
train, test = load_images("smoke")
torch.manual_seed(0)
loader = torch.utils.data.DataLoader(train, batch_size=20, shuffle=True)
valid_loader = test_loader = torch.utils.data.DataLoader(test, batch_size=50)
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10))
"""
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"^    from course_utils import .*\n(?:(?:    .*)?\n)*", README, flags=re.M)[0]


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the wheel from a copy, lest an older build's files come along, and install it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "course_utils", source / "course_utils", ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", folder, source)
    (wheel,) = folder.glob("*.whl")
    pip("install", "--no-deps", "--no-index", "--no-compile", "--target", folder / "site", wheel)
    return folder / "site"


def files_in(folder):
    """List the files in a folder, but for what Python caches."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if "__pycache__" not in path.parts}


def test_files(installed):
    """Are all files of the package in the wheel, the lessons' measured data among them?"""
    wanted = files_in(REPOSITORY / "course_utils")
    assert files_in(installed / "course_utils") == wanted
    assert any(name.endswith(".json") for name in wanted)


def test_stands_alone(installed, tmp_path):
    """Do all modules import, and does README.md's example train, without the course's data?"""
    before = files_in(installed)
    environment = {name: value for name, value in os.environ.items() if "COURSE_" not in name}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(installed)}
    command = [sys.executable, "-B", "-c", SCRIPT + textwrap.dedent(EXAMPLE)]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    package, data, missing, losses = run.stdout.splitlines()
    assert package == str(installed / "course_utils" / "__init__.py")
    assert data == str(tmp_path / ".course_data")
    assert missing.startswith(f"{data}/fashion-mnist/") and "set COURSE_DATA to" in missing
    assert float(losses.rpartition(", ")[2].rstrip(")")) > 0.5  # accuracy; guessing gives 0.1
    assert files_in(installed) == before
