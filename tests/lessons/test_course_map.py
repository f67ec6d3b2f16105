import re
from pathlib import Path

from course_utils.lessons.course_map import LESSONS, course_map

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def test_every_notebook_is_on_the_map():
    """Does each notebook's number and title stand on the map?"""
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        assert LESSONS[path.name[:2]].split(":")[0] in path.read_text(encoding="utf-8")


def test_readme_has_the_same_minutes():
    """Does README.md's table lead to each lesson, with the minutes that the lesson promises?"""
    readme = (NOTEBOOKS.parent / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) \| \[[^]]+\]\(notebooks/\S+\) \| .+ \| (\d+) \|$", readme, re.M)
    minutes = [(line[:2], line.split()[-1]) for line in course_map(NOTEBOOKS).splitlines()[1:]]
    assert rows == minutes


def test_missing_notebooks_are_in_preparation(tmp_path):
    """Does the map give the minutes that a lesson promises, and say which are not there yet?"""
    (tmp_path / "00_start_here.ipynb").write_text('"After this lesson (about 25 minutes) you"')
    (tmp_path / "01_imbalanced_data.ipynb").touch()
    _, first, second, *others = course_map(tmp_path).splitlines()
    assert first.split() == ["00", "Start", "here", "25"]
    assert second == "01  Imbalanced data"
    assert len(others) == len(LESSONS) - 2
    assert all(line.endswith("(in preparation)") for line in others)
