from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_utils.editions.student import student_editions
from course_utils.generated import write_generated_cifar10

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_full_profile_runs(path, tmp_path, monkeypatch):
    """Runs the lesson, without its solution, on the full profile's path, shrunk to a few steps?"""
    write_generated_cifar10(tmp_path, num_train=160, num_test=40)
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    notebook = nbformat.reads(student_editions([path])[path.name], as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": path.parent}})
    client.execute()
    text = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())
    )
    images = "simulated scenes" if path.stem.startswith("09") else "generated (CIFAR-10-shaped)"
    assert images in text
