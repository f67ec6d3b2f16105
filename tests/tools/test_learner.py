import re

import nbformat
import pytest
from editions.learner import main, update
from nbformat import v4
from tiny_notebooks import REPOSITORY, code, notebook

PATHS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


def make_lesson(folder, number="04", text="See the [words](../docs/glossary.md#lr)."):
    """Write a lesson of the course, executed."""
    folder.mkdir(exist_ok=True)
    cells = [
        v4.new_markdown_cell(f"# {number} · Doubling\n\n{text}"),
        code("print(86)", prints="86"),
    ]
    cells.append(code("def double_solution(x):\n    return 2 * x", "solution"))
    path = folder / f"{number}_doubling.ipynb"
    nbformat.write(notebook(*cells), path)
    return path


@pytest.fixture
def course(tmp_path):
    """Make a course of two lessons; return their paths and the learner's folder."""
    folder = tmp_path / "notebooks"
    return [make_lesson(folder), make_lesson(folder, "05")], tmp_path / "mine"


def test_real_lessons(tmp_path):
    """Is nothing that was measured in a learner's copy of the course's own lessons?"""
    update(PATHS, tmp_path)
    for path in PATHS:
        cells = [c for c in nbformat.read(tmp_path / path.name, 4).cells if c.cell_type == "code"]
        assert cells and all(not c.outputs and c.execution_count is None for c in cells)


def test_links_of_real_lessons(tmp_path):
    """Is each file that a lesson of the copy, or a page beside it, leads to in the copy?"""
    update(PATHS, tmp_path)
    texts = [path.read_text(encoding="utf-8") for path in tmp_path.glob("*.*")]
    links = [link for text in texts for link in re.findall(r"\]\(([^)#:]+\.\w+)[)#]", text)]
    assert len(links) > 100 and "glossary.md" in links
    assert [link for link in links if not (tmp_path / link).is_file()] == []


def test_links(course):
    """Do links to the glossary lead to the copy beside the lesson?"""
    paths, mine = course
    update(paths, mine)
    assert "[words](glossary.md#lr)" in (mine / paths[0].name).read_text()


@pytest.mark.parametrize("solutions", [True, False])
def test_solutions(course, solutions):
    """Are the solutions there, or not, as is asked for?"""
    paths, mine = course
    update(paths, mine, solutions=solutions)
    assert ("double_solution" in (mine / paths[0].name).read_text()) == solutions


def test_nothing_is_overwritten(course):
    """Does a learner's work stay when the course is opened again, without a word?"""
    paths, mine = course
    update(paths, mine)
    (mine / paths[0].name).write_text("my work")
    assert update(paths, mine) == []
    assert (mine / paths[0].name).read_text() == "my work"


def test_newer_edition_is_offered(course):
    """Is a newer edition of a lesson named, and not forced; does RESET bring it, and once?"""
    paths, mine = course
    update(paths, mine)
    (mine / paths[0].name).write_text("my work")
    make_lesson(paths[0].parent, text="Better words.")
    (sentence,) = update(paths, mine)
    assert sentence.startswith("04_doubling.ipynb has a newer edition: `make lab RESET=04`")
    assert (mine / paths[0].name).read_text() == "my work"
    (sentence,) = update(paths, mine, reset="04")
    assert sentence.endswith("yours is kept as 04_doubling_mine_1.ipynb.")
    assert "Better words" in (mine / paths[0].name).read_text()
    assert (mine / "04_doubling_mine_1.ipynb").read_text() == "my work"
    assert update(paths, mine) == []


def test_reset_twice(course):
    """Are two learner's versions kept beside one another?"""
    paths, mine = course
    for work in ("first", "second"):
        update(paths, mine)
        (mine / paths[0].name).write_text(work)
        update(paths, mine, reset="04")
    kept = [(mine / f"04_doubling_mine_{n}.ipynb").read_text() for n in (1, 2)]
    assert kept == ["first", "second"]


def test_unknown_lesson(course, capsys):
    """Does a number that no lesson has get one sentence, and is nothing written?"""
    paths, mine = course
    assert main(["--to", str(mine), "--reset", "4", *map(str, paths)]) == 1
    assert capsys.readouterr().err == (
        "There is no lesson '4' to bring back: give one of 04, 05.\n"
    )
    assert not mine.exists()


def test_home_by_environment(course, monkeypatch, capsys):
    """Does COURSE_HOME say where the copy lies, and an empty one nothing?"""
    paths, mine = course
    monkeypatch.chdir(mine.parent)
    for home, folder in ((str(mine), mine), ("", mine.parent / "my_course")):
        monkeypatch.setenv("COURSE_HOME", home)
        assert main([str(path) for path in paths]) == 0
        assert (folder / paths[0].name).exists()
