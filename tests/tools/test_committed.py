import os
import subprocess

import nbformat
import pytest
from editions.committed import read_lessons
from editions.student import main
from nbformat import v4
from tiny_notebooks import code, notebook

STUB = "def double(x):\n    raise NotImplementedError"


@pytest.fixture
def lesson(tmp_path):
    """Commit a lesson with an exercise, a guess and a question."""
    cells = [
        v4.new_markdown_cell("# 05 · Doubling"),
        code('predict("05", "how much", None)'),
        code(STUB, "exercise"),
        code("check(double)", "check"),
        code("def double_solution(x):\n    return x + x + 0", "solution"),
        code("ask(*QUESTION, answer=None);"),
    ]
    path = tmp_path / "05_doubling.ipynb"
    nbformat.write(notebook(*cells), path)
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    person = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*person, "commit", "-qm", "A lesson"]):
        subprocess.run(["git", *command], cwd=tmp_path, env=os.environ | settings, check=True)
    return path


def answered(path):
    """Write a teacher's own answers into a lesson."""
    book = nbformat.read(path, 4)
    book.cells[1].source = 'predict("05", "how much", 86)'
    book.cells[2].source = "def double(y):\n    return y * 2"
    book.cells[5].source = "ask(*QUESTION, answer='B');"
    nbformat.write(book, path)


def test_teachers_answers_stay_at_home(lesson, capsys):
    """Does the student edition hold stub, None and None, and does a line name the three cells?"""
    answered(lesson)
    assert main(["--to", str(lesson.parent / "student"), str(lesson)]) == 0
    edition = nbformat.read(lesson.parent / "student" / lesson.name, 4)
    sources = [cell.source for cell in edition.cells]
    assert sources[1].endswith("None)") and sources[2] == STUB
    assert sources[4].endswith("answer=None);")
    assert "git's last commit: cell 1, 2, 5; taken is the committed" in capsys.readouterr().err


def test_outputs_are_no_change(lesson, capsys):
    """Is nothing said where a lesson was only run?"""
    book = nbformat.read(lesson, 4)
    book.cells[3].outputs = [v4.new_output("stream", name="stdout", text="passed")]
    nbformat.write(book, lesson)
    read_lessons([lesson])
    assert capsys.readouterr().err == ""


def test_further_cells(lesson, capsys):
    """Are added cells left at home as well, and counted?"""
    book = nbformat.read(lesson, 4)
    book.cells.append(code("1 + 1"))
    nbformat.write(book, lesson)
    assert len(read_lessons([lesson])[lesson.name].cells) == 6
    assert "7 cells here and 6 in git's last commit" in capsys.readouterr().err


def test_damaged_at_home(lesson, capsys):
    """Is a lesson whose file here is damaged read as it was committed?"""
    lesson.write_text("no notebook")
    assert read_lessons([lesson])[lesson.name].cells
    assert "the file here is damaged" in capsys.readouterr().err


def test_without_git(lesson, tmp_path_factory, capsys):
    """Is an answer refused in words where no commit is there to be read?"""
    answered(lesson)
    folder = tmp_path_factory.mktemp("download")
    copy = lesson.rename(folder / lesson.name)
    assert main(["--to", str(folder / "student"), str(copy)]) == 1
    words = capsys.readouterr().err
    assert "05_doubling.ipynb: Cell 1 answers predict(...): put None back." in words
    assert "Cell 2 is an exercise that is solved: put its stub back." in words
    assert "Cell 5 answers ask(...): put None back." in words
    assert not (folder / "student").exists()
