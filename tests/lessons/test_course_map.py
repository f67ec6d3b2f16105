from pathlib import Path

from course_utils.lessons.course_map import LESSONS, course_map, titles

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def test_every_notebook_is_on_the_map():
    """Does each notebook's number and title stand on the map?"""
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        assert LESSONS[path.name[:2]][0].split(":")[0] in path.read_text(encoding="utf-8")


def test_missing_notebooks_are_in_preparation(tmp_path):
    """Does the map say which lessons are not there yet?"""
    (tmp_path / "00_start_here.ipynb").touch()
    _, first, *others = course_map(tmp_path).splitlines()
    assert first.split() == ["00", "Start", "here", "15"]
    assert len(others) == len(LESSONS) - 1
    assert all(line.endswith("(in preparation)") for line in others)


def test_titles():
    """Do the titles come by lesson number, in the course's order?"""
    assert list(titles())[:3] == ["00", "01", "02"] and titles()["04"] == "The 1cycle policy"
