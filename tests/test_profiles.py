import os
from pathlib import Path

import pytest
from tiny_notebooks import REPOSITORY

from course_utils.profiles import choose, data_folder, is_graded, profile, seeds


@pytest.mark.parametrize(
    "name, use, value",
    [
        ("COURSE_PROFILE", profile, "quick"),
        ("COURSE_DATA", data_folder, REPOSITORY / "data"),
        ("COURSE_SEED", lambda: seeds(1), (0,)),
    ],
)
def test_empty_means_unset(monkeypatch, name, use, value):
    """Is a variable that is set to nothing taken for one that is not set?"""
    monkeypatch.setenv(name, "")
    assert use() == value


@pytest.mark.parametrize("named", ["", "~nobody-of-that-name/data"])
def test_no_home(monkeypatch, tmp_path, named):
    """Does a data folder in a home that nobody knows raise a sentence with the remedy?"""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**30, raising=False)  # of a user without an entry
    monkeypatch.setenv("COURSE_DATA", named)
    monkeypatch.setattr("course_utils.profiles.EMBEDDED", tmp_path)
    with pytest.raises(ValueError, match="home folder is not known: set COURSE_DATA"):
        data_folder()


def test_default_profile(monkeypatch):
    """Is the profile quick where nothing is set?"""
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    assert profile() == "quick"


@pytest.mark.parametrize("name, value", [("quick", 1), ("full", 2), ("smoke", 3)])
def test_choose(monkeypatch, name, value):
    """Does a lesson get the setting of the profile that the environment names?"""
    monkeypatch.setenv("COURSE_PROFILE", name)
    assert choose(quick=1, full=2, smoke=3) == value


def test_unknown_profile(monkeypatch):
    """Does a mistyped profile raise a sentence that names it and the right ones?"""
    monkeypatch.setenv("COURSE_PROFILE", "Full")
    with pytest.raises(ValueError, match="'Full'.*quick, full, smoke"):
        profile()


@pytest.mark.parametrize("execution", ["autograde", "validate"])
def test_is_graded(monkeypatch, execution):
    """Is a notebook graded where nbgrader runs it, and only there?"""
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    assert not is_graded()
    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    assert is_graded()


def test_data_folder(monkeypatch, tmp_path):
    """Does COURSE_DATA move the data folder, and is it else the repository's?"""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.delenv("COURSE_DATA")
    assert data_folder() == REPOSITORY / "data"


def test_data_folder_without_the_repository(monkeypatch, tmp_path):
    """Is it a folder in the home folder where the course's own data are not beside the package?"""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setattr("course_utils.profiles.EMBEDDED", tmp_path)
    assert data_folder() == Path.home() / ".course_data"


def test_seeds(monkeypatch):
    """Are a lesson's own seeds counted from the first, and moved out of reach by COURSE_SEED?"""
    monkeypatch.delenv("COURSE_SEED", raising=False)
    assert seeds(3) == (0, 1, 2)
    assert seeds(2, first=10) == (10, 11)
    monkeypatch.setenv("COURSE_SEED", "4")
    assert seeds(2, first=10) == (4010, 4011)


@pytest.mark.parametrize("text", ["-1", "1.5", "one"])
def test_bad_seed(monkeypatch, text):
    """Does a COURSE_SEED that is no whole number raise a sentence that shows it?"""
    monkeypatch.setenv("COURSE_SEED", text)
    with pytest.raises(ValueError, match=f"COURSE_SEED is {text!r}"):
        seeds(3)
