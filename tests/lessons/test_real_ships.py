import nbformat
import pytest
from nbclient import NotebookClient
from sen2ships import SEN2SHIPS, TABLE
from tiny_notebooks import REPOSITORY

from course_utils.lessons.data_09 import Counts, from_folder, port_of

pytestmark = pytest.mark.skipif(
    not (SEN2SHIPS / TABLE).is_file(), reason="sen2ships is not there: see tests/helpers/sen2ships"
)


@pytest.mark.parametrize("seed", range(5))
def test_ports_of_real_images(seed):
    """Are the real harbours split by port, and do the boxes lie inside their images?"""
    data = from_folder(SEN2SHIPS, Counts(8, 8, 4, 4, 4, 4), size=64, seed=seed)
    empty = [data.empty[i] for i in range(len(data.empty))]
    parts = [{port_of(s.name) for s in part} for part in ([*data.ships, *empty], data.valid)]
    parts.append({port_of(scene.name) for scene in data.test})
    assert not parts[0] & parts[1] and not parts[1] & parts[2] and not parts[0] & parts[2]
    for scene in data.ships:
        assert len(scene.boxes) and scene.boxes.min() >= 0 and scene.boxes.max() <= 64


@pytest.mark.slow
def test_lesson_runs_on_real_images(tmp_path, monkeypatch):
    """Do the lesson's cells run on a folder in Airbus layout, in a few steps?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_DATA", str(SEN2SHIPS))
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    path = REPOSITORY / "notebooks" / "09_hard_negatives.ipynb"
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=500, resources={"metadata": {"path": path.parent}}).execute()
    text = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())
    )
    assert "sen2ships, crops of 64 x 64 pixels" in text
    assert "mining lowers the false alarms" in text and "look-alikes stand in" not in text
