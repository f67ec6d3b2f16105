import json

import nbformat
import pytest
from editions.class_report import main
from nbformat import v4
from tiny_notebooks import code, notebook

ADA = {
    "04": {
        "exercises": {"The cycle": True},
        "predictions": {"lead": {"guess": 2, "unit": "points"}},
        "mistakes": {"The cycle: The legs are rounded.": True},
    }
}
BOB = {
    "04": {
        "predictions": {"lead": {"guess": 0.5, "unit": "points"}},
        "mistakes": {"The cycle: The legs are rounded.": True, "The cycle: No tail.": True},
    },
    "05": {"predictions": {"which": {"guess": "neither", "unit": ""}}},
}
TABLES = """\
learner     04     05
ada        1/1      -
bob        0/1    0/1
(exercises passed / predictions made)

Said most by the checks:
  2 x  lesson 04, The cycle: The legs are rounded.
  1 x  lesson 04, The cycle: No tail.
"""


def test_progress_files(tmp_path, capsys):
    """Are the tables those of the learners' files, each guess drawn, another file named?"""
    for name, own in (("ada", ADA), ("bob", BOB)):
        (tmp_path / f"{name}.json").write_text(json.dumps(own))
    (tmp_path / "notes.json").write_text("not JSON")
    assert main(["--from", str(tmp_path), "--to", str(tmp_path / "wall")]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(TABLES)
    assert printed.err == "notes.json is no progress file: left out.\n"
    pictures = sorted(path.name for path in (tmp_path / "wall").iterdir())
    assert pictures == ["04_prediction_1.png", "05_prediction_2.png"]


def write(folder, kind, student, *cells):
    path = folder / kind / student / "04_one_cycle" / "04_one_cycle.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook(*cells), path)


def test_nbgraders_folder(tmp_path, capsys):
    """Are guesses read from what was handed in, passes and mistakes from what was graded?"""
    guess = code('predict("04", "lead", 2, unit="points")')
    for student in ("ada", "bob"):
        write(tmp_path, "submitted", student, guess)
    write(
        tmp_path, "autograded", "ada", code("check(f)", prints="The cycle: passed, 5 of 5 cases.")
    )
    failed = code("check(f)")
    words = "The cycle: not right yet, in case 1 of 5 (a peak).\nExpected 1, got 2.\nNo tail."
    failed.outputs = [v4.new_output("error", ename="AssertionError", evalue=words)]
    write(tmp_path, "autograded", "bob", failed)
    assert main(["--from", str(tmp_path), "--to", str(tmp_path / "wall")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == ["ada        1/1", "bob        0/1"]
    assert "  1 x  lesson 04, The cycle: No tail." in lines
    assert len(list((tmp_path / "wall").iterdir())) == 1


@pytest.mark.parametrize("exists", [True, False])
def test_nobody(tmp_path, exists, capsys):
    """Does a folder without learners get one sentence that says what it may hold?"""
    folder = tmp_path if exists else tmp_path / "missing"
    assert main(["--from", str(folder)]) == 1
    assert "holds no learner: give a folder of progress files" in capsys.readouterr().err
