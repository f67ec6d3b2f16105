import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import new_lesson
import pytest
from new_lesson import PLACES, make_lesson
from notebook_cells import code_cells
from notebook_exercises import NOT_ATTEMPTED, PASSED, find_exercises, run_exercise
from notebook_exercises import solution_as_answer as solved
from notebook_rules import breaches, read
from tiny_notebooks import REPOSITORY

import course_utils.lessons


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="the command is make's")
def test_skeleton_keeps_the_rules(tmp_path, monkeypatch):
    """Does a new lesson keep the style, run by `make execute`, keep every rule, and judge?"""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    for name in ("course_utils", "tools"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    path, exercise_module, answers = make_lesson("11", "warm_restarts", root=tmp_path)
    place = path.relative_to(tmp_path)
    assert all(cell.execution_count is None for cell in code_cells(read(path)))
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check"], ["format", "--check"]):
        style = subprocess.run([*ruff, *command, place], cwd=tmp_path, capture_output=True)
        assert style.returncode == 0, style.stdout.decode()
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "COURSE_DATA": str(REPOSITORY / "data"),
    }
    (tmp_path / ".venv").symlink_to(sys.prefix)  # whose path may have a blank, which make splits
    # This environment is ready: -o keeps make from setting it up anew.
    command = ["make", "-o", ".venv/.ready", "execute", "VENV=.venv"]
    result = subprocess.run(
        [*command, f"NOTEBOOKS={place}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr

    lesson = read(path)
    assert [sentence for _, sentence in breaches(lesson)] == []
    assert lesson.cells[0].source.startswith("# 11 · Warm restarts\n")
    places = [*course_utils.lessons.__path__, str(exercise_module.parent)]
    monkeypatch.setattr(course_utils.lessons, "__path__", places)
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    (exercise,) = find_exercises(lesson)
    assert NOT_ATTEMPTED in run_exercise(lesson, exercise, exercise.stub[1].source)
    assert PASSED in run_exercise(lesson, exercise, solved(exercise))
    for source, words in runpy.run_path(str(answers))["WRONG_ANSWERS"].values():
        assert words in run_exercise(lesson, exercise, source)
    sys.modules.pop("course_utils.lessons.exercise_11")


def test_nothing_is_left_to_fill_in(tmp_path):
    """Does no place of the template keep the template's own number or title?"""
    for path in make_lesson("11", "averaging", root=tmp_path):
        text = path.read_text(encoding="utf-8")
        assert not re.search("NN|TITLE|REPOSITORY", text)
    assert [path.suffix for path in tmp_path.rglob("*.*")].count(".tmp") == 0


@pytest.mark.parametrize("number, name", [("1", "a"), ("100", "a"), ("10", "Warm"), ("10", "a b")])
def test_bad_names(tmp_path, number, name):
    """Is a number or a name of another form refused, with an example?"""
    with pytest.raises(ValueError, match="such as"):
        make_lesson(number, name, root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_number_is_taken(tmp_path):
    """Is a lesson left alone that has the number, whatever its name?"""
    first = make_lesson("10", "warm_restarts", root=tmp_path)[0]
    before = first.read_bytes()
    with pytest.raises(FileExistsError, match="10_warm_restarts.ipynb"):
        make_lesson("10", "averaging", root=tmp_path)
    assert first.read_bytes() == before
    assert len(list((tmp_path / "notebooks").iterdir())) == 1


def test_command(tmp_path, monkeypatch, capsys):
    """Does the command name what it made and what comes next, and fail in one sentence?"""
    monkeypatch.setattr(new_lesson, "ROOT", tmp_path)
    monkeypatch.setattr(make_lesson, "__kwdefaults__", {"root": tmp_path})
    assert new_lesson.main(["10", "warm_restarts"]) == 0
    printed = capsys.readouterr().out
    for place in PLACES.values():
        assert str(Path(place.format(number="10", name="warm_restarts"))) in printed
    assert "course_map.py" in printed
    assert new_lesson.main(["10", "warm_restarts"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
