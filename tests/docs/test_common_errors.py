import re

import pytest
from tiny_notebooks import REPOSITORY

PAGE = (REPOSITORY / "docs" / "common_errors.md").read_text(encoding="utf-8")
# Who says it, and the words by which a learner looks for it.
OWN_WORDS = [
    ("Makefile", "No Python >= 3.10 with the venv module was found"),
    ("course_utils/training/device.py", "cannot be used here"),
    ("course_utils/teaching/exercises.py", "not attempted yet"),
    ("course_utils/teaching/time_limit.py", "The function did not end within"),
    ("course_utils/teaching/time_limit.py", "could not be stopped: restart the kernel"),
    ("course_utils/teaching/progress.py", "Your progress cannot be kept"),
    ("course_utils/teaching/progress.py", "is damaged"),
    ("course_utils/data/datasets.py", "its checksum is wrong"),
    ("course_utils/data/datasets.py", "CIFAR-10 is not in"),
    ("tools/editions/learner.py", "has a newer edition"),
]


@pytest.mark.parametrize("file, words", OWN_WORDS)
def test_words_are_the_courses_own(file, words):
    """Does the page quote what the course itself says, as it says it?"""
    assert words in PAGE
    assert words in (REPOSITORY / file).read_text(encoding="utf-8")


def test_twenty_errors():
    """Are there about twenty errors, each with a name in bold and a cure of some words?"""
    errors = re.findall(r"^\*\*(.+?)\*\*(.*?)(?=^\*\*|^## |\Z)", PAGE, flags=re.M | re.S)
    assert len(errors) >= 20
    assert [name for name, cure in errors if len(cure.split()) < 10] == []
