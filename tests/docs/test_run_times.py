import json

import nbformat
import pytest
from nbformat import v4
from nbval_summary import Tally
from run_times import NOT_YET, run_times_table
from tiny_notebooks import code, notebook


@pytest.fixture
def lessons(tmp_path):
    for number, title in (("00", "Start here"), ("01", "Imbalanced data")):
        cells = (v4.new_markdown_cell(f"# {number} · {title}\n\nText."), code("x = 1"), code("x"))
        nbformat.write(notebook(*cells), tmp_path / f"{number}_lesson.ipynb")
    return tmp_path


def table(lessons, measured):
    file = lessons / "run_times.json"
    file.write_text(json.dumps(measured), encoding="utf-8")
    return run_times_table(file, notebooks=lessons).splitlines()[2:]


def test_never_measured(lessons):
    """Does a course whose tests have not run say so, lesson by lesson?"""
    rows = run_times_table(lessons / "none.json", notebooks=lessons).splitlines()[2:]
    assert len(rows) == 2 and all(NOT_YET in row for row in rows)
    assert rows[0].startswith("| [00 · Start here](../notebooks/00_lesson.ipynb) |")


def test_measured(lessons):
    """Does a measured lesson show what the tests kept of it, and the other that it is not?"""
    tally = Tally(cells=2, claims=4, seconds=12.34, figure=3.21, cpu=9.5, peak=512)
    entry = tally.entry()
    first, second = table(lessons, {"notebooks/01_lesson.ipynb": entry})
    assert NOT_YET in first
    assert f"| 12.3 | 3.2 | 9.5 | 512 | 2 | 4 | {entry['cores']} | {entry['measured']} |" in second


def test_measured_in_another_state(lessons):
    """Is a lesson not yet measured that has other cells than when it was?"""
    entry = Tally(cells=3, seconds=1.0).entry()
    assert NOT_YET in table(lessons, {"notebooks/00_lesson.ipynb": entry})[0]
