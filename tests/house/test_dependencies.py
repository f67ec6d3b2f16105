import itertools
import re
import sys

import pytest
import yaml
from tiny_notebooks import REPOSITORY

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT = (REPOSITORY / "environment.yml").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
# What conda-forge calls otherwise, or splits: matplotlib's base is all but Qt.
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def bounds(requirements):
    """Return name -> lower bound; anything else than one lower bound is not understood."""
    pairs = [requirement.partition(";")[0].strip().split(">=") for requirement in requirements]
    return {name: bound for name, bound in pairs}


def test_requirements_have_lower_bounds_only():
    """Has every requirement exactly one lower bound, and none an upper one or a pin?"""
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for requirement in itertools.chain(*groups):
        assert re.fullmatch(r"[\w-]+>=[\d.]+(; .*)?", requirement), requirement


def test_environment_lists_the_same():
    """Has environment.yml what project and tests need, by conda's names, with the bounds?"""
    wanted = {
        CONDA_NAMES.get(name, name): bound
        for group in (PROJECT["dependencies"], PROJECT["optional-dependencies"]["test"])
        for name, bound in bounds(group).items()
    }
    wanted["python"] = PROJECT["requires-python"].removeprefix(">=")
    entries = yaml.safe_load(ENVIRONMENT)["dependencies"]
    assert bounds(e for e in entries if isinstance(e, str) and e != "pip") == wanted


def test_environment_installs_the_package():
    """Does environment.yml have pip and the package itself, which repo2docker then installs?"""
    environment = yaml.safe_load(ENVIRONMENT)
    assert environment["channels"] == ["conda-forge"]
    assert "pip" in environment["dependencies"]
    assert environment["dependencies"][-1] == {"pip": ["-e ."]}


def test_environment_says_where_each_is_used():
    """Has each line of environment.yml's list a comment?"""
    lines = ENVIRONMENT.partition("dependencies:\n")[2].splitlines()
    bare = [line for line in lines if "#" not in line and line.strip() != "- pip:"]
    assert bare == []


def test_readme_lists_the_same():
    """Has README.md's table what the project needs, with the bounds?"""
    rows = re.findall(r"^\| `([\w-]+)` \| ([\d.]+) \| .+ \|$", README, flags=re.MULTILINE)
    assert dict(rows) == bounds(PROJECT["dependencies"])


@pytest.mark.parametrize(
    "command",
    [
        "make lab",
        "make lab TORCH_INDEX=",
        r"python -m pip install -e .[test]",
        r"python tools\my_course.py",
        r"python -m jupyterlab my_course\00_start_here.ipynb",
        "conda env create -f environment.yml",
        "conda run -n course ",
    ],
)
def test_readme_names_each_way(command):
    """Does README.md give the commands for make, for Windows and for conda?"""
    assert command in README
