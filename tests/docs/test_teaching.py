import re

import nbformat
from notebook_rules import MINUTES
from tiny_notebooks import REPOSITORY

from course_utils.lessons.course_map import LESSONS

NOTES = (REPOSITORY / "docs" / "teaching.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## (\d\d) · ([^\n]+)\n(.*?)(?=^## )", re.M | re.S)
PARTS = ("Ask before running.", "The why.", "Usual wrong turns", "In the lab.")


def test_every_lesson_has_notes():
    """Has each lesson of the course map a section with its title, in order?"""
    found = {number: title for number, title, _ in SECTION.findall(NOTES)}
    assert found == LESSONS


def test_notes_are_whole():
    """Has each section what a teacher needs: questions, answers, wrong turns, how to run it?"""
    for number, _, text in SECTION.findall(NOTES):
        assert [part for part in PARTS if f"**{part}" not in text] == [], number


def test_the_two_hours_add_up():
    """Follow the plan's parts on each other for 120 minutes, and do two lessons fit as promised?

    With discussion a lesson takes half as long again as the minutes in its title, which the
    notebooks' rules hold to its reading time.
    """
    section = NOTES.partition("## A two-hour lab")[2].partition("\n## ")[0]
    parts = re.findall(r"^\| (\d+) to (\d+) \| (\w+(?: \w+)?)", section, re.M)
    starts, ends = ([int(part[i]) for part in parts] for i in (0, 1))
    assert [*starts, 120] == [0, *ends]
    labs = re.findall(r"^\| [^|]+ \| (\d\d), (\d\d) \|", section, re.M)
    assert len(labs) == 5
    for index, name in enumerate(("First lesson", "Second lesson")):
        planned = sum(int(end) - int(start) for start, end, words in parts if words == name)
        assert planned >= 1.5 * max(promised(lab[index]) for lab in labs), name


def promised(number):
    (path,) = REPOSITORY.glob(f"notebooks/{number}_*.ipynb")
    return int(MINUTES.search(nbformat.read(path, 4).cells[0].source)[1])
