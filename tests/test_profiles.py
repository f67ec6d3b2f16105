import io
import os
import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_notebooks import REPOSITORY

from course_utils._validate import shown
from course_utils.profiles import (
    choose,
    data_folder,
    is_graded,
    profile,
    rng_state,
    seeds,
    set_rng_state,
    set_seed,
)


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
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    assert seeds(8) == (4000, 4001, 4002) and seeds(2) == (4000, 4001)


@pytest.mark.parametrize("text", ["-1", "1.5", "one"])
def test_bad_seed(monkeypatch, text):
    """Does a COURSE_SEED that is no whole number raise a sentence that shows it?"""
    monkeypatch.setenv("COURSE_SEED", text)
    with pytest.raises(ValueError, match=f"COURSE_SEED is {text!r}"):
        seeds(3)


def draw():
    return random.random(), random.gauss(0, 1), np.random.normal(), torch.rand(3).tolist()


def test_same_seed_same_draws():
    """Does one seed repeat Python's, NumPy's and PyTorch's draws, and another one not?"""
    set_seed(3)
    first = draw()
    set_seed(3)
    assert draw() == first
    set_seed(4)
    second = draw()
    assert all(a != b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("kind", [np.int64, np.uint32])
def test_seed_of_numpy(kind):
    """Is a seed of NumPy's integers, as of an array of seeds, the same as Python's?"""
    set_seed(3)
    wanted = draw()
    set_seed(kind(3))
    assert draw() == wanted


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", True, None])
def test_seed_to_set_out_of_range(seed):
    """Does a seed that NumPy would refuse raise a sentence that names it?"""
    with pytest.raises(ValueError, match=f"^seed is {re.escape(shown(seed))}"):
        set_seed(seed)


def test_rng_state_round_trip():
    """Are the next draws the same after a round trip through a weights-only file?"""
    set_seed(5)
    random.gauss(0, 1), np.random.normal()  # leaves a second value waiting in both generators
    file = io.BytesIO()
    torch.save(rng_state(), file)
    expected = draw()
    file.seek(0)
    set_rng_state(torch.load(file, weights_only=True))
    assert draw() == expected
