import pytest
from tiny_notebooks import REPOSITORY

from course_utils.editions.project import (
    is_placeholder,
    owner_and_name,
    read_project,
    repository_address,
)


def test_this_project():
    """Does the course's own pyproject.toml name requirements and an address?"""
    project = read_project(REPOSITORY / "pyproject.toml")
    assert any(name.startswith("torch>=") for name in project["dependencies"])
    assert repository_address(project).startswith("https://")


@pytest.mark.parametrize("end", ["", "/", ".git"])
def test_address(end):
    """Is the address taken without what some write at its end?"""
    project = {"urls": {"Repository": f"https://github.com/ann/tricks{end}"}}
    assert repository_address(project) == "https://github.com/ann/tricks"


def test_no_address():
    """Is a project without an address told where to write it?"""
    with pytest.raises(ValueError, match=r"under \[project.urls\]"):
        repository_address({})


def test_placeholder():
    """Is the placeholder told from an address?"""
    assert is_placeholder("https://github.com/OWNER/REPO")
    assert not is_placeholder("https://github.com/ann/tricks")


def test_owner_and_name():
    """Is the name on GitHub read, and another host refused in a sentence?"""
    assert owner_and_name("https://github.com/ann-b/tricks.2") == "ann-b/tricks.2"
    with pytest.raises(ValueError, match="take the badges out"):
        owner_and_name("https://gitlab.com/ann/tricks")
