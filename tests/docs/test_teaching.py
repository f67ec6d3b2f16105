import re

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
