import importlib
import sys

from hypothesis import given
from hypothesis import strategies as st
from tiny_notebooks import REPOSITORY

ODD = 31_415_926_535


def cases():
    """Return what Hypothesis draws for one test."""
    drawn = []

    @given(st.integers())
    def test(number):
        drawn.append(number)

    test()
    return drawn


def test_same_cases(tmp_path, monkeypatch):
    """Are the cases the same each time, whatever is imported meanwhile, and is nothing kept?"""
    before = cases()
    (tmp_path / "odd_numbers.py").write_text(f"NUMBERS = {[ODD + i for i in range(500)]}")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("odd_numbers")
    again = cases()
    del sys.modules["odd_numbers"]
    assert again == before
    assert len(before) == 100
    assert not (REPOSITORY / ".hypothesis").exists()
