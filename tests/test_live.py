from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_utils.live import ProgressBar, progress_bar

CELL = """
import time
from course_utils.live import progress_bar
with progress_bar(40, description="first training") as bar:
    for step in range(40):
        time.sleep(0.01)
        bar.update()
        bar.set(f"valid accuracy {step / 100}")
"""
STOPPED = """
try:
    with progress_bar(40, description="stopped") as bar:
        bar.update(3)
        raise KeyboardInterrupt
except KeyboardInterrupt:
    pass
"""
DISABLED = """
with progress_bar(40, description="hidden", enabled=False) as bar:
    bar.update()
    bar.set("words")
"""


@pytest.fixture(scope="module")
def cells():
    """Run the three cells in a real kernel and return them with their stored outputs."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in (CELL, STOPPED, DISABLED)]
    root = str(Path(__file__).parent.parent)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": root}}).execute()
    return notebook.cells


def test_stored_output_is_one_plain_line(cells):
    """Is the stored output one text without widget or carriage return, with the last state?"""
    (output,) = cells[0].outputs
    assert output.output_type == "display_data"
    assert list(output.data) == ["text/plain"]
    line = output.data["text/plain"]
    assert line.startswith("first training: 100%") and "40/40" in line
    assert "valid accuracy 0.39" in line
    assert not {"\r", "\n", "\x1b"} & set(line)


def test_stop_leaves_the_state(cells):
    """Does a training that was stopped leave the line as it then was?"""
    (output,) = cells[1].outputs
    assert "3/40" in output.data["text/plain"]


def test_disabled_shows_nothing(cells):
    """Does a disabled progress line store no output?"""
    assert cells[2].outputs == []


def test_terminal(capsys):
    """Is it, outside a kernel, tqdm on stderr with nothing on stdout?"""
    with progress_bar(5, description="training") as bar:
        bar.set("loss 0.1")
        bar.update(5)
    output, line = capsys.readouterr()
    assert output == ""
    assert "training: 100%" in line and "5/5" in line and "loss 0.1" in line


def test_steps_do_not_draw_each(monkeypatch, capsys):
    """Is the line drawn a few times only, however many steps there are?"""
    drawn = []
    monkeypatch.setattr(ProgressBar, "display", lambda *_, **__: drawn.append(1))
    with progress_bar(10_000, description="training") as bar:
        for _ in range(10_000):
            bar.update()
    assert 2 <= len(drawn) < 100
