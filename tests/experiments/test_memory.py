import os
import subprocess
import sys

import pytest
from airbus_archive import write_archive
from tiny_notebooks import REPOSITORY

TABLE = "train_ship_segmentations_v2.csv"


def enlarged(folder, to, factor):
    """Make an archive of many times as many images, which are links to the same files."""
    (to / "train_v2").mkdir(parents=True)
    header, *rows = (folder / TABLE).read_text().splitlines()
    more = [header]
    for copy in range(factor):
        for path in (folder / "train_v2").iterdir():
            os.link(path, to / "train_v2" / f"{copy}{path.name}")
        more += [f"{copy}{row}" for row in rows]
    (to / TABLE).write_text("\n".join(more) + "\n")
    return to


def peak(folder):
    script = REPOSITORY / "tests" / "helpers" / "memory_target.py"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return float(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no peak of memory to ask for")
def test_flat(tmp_path):
    """Does the peak memory of training and mining not grow with the number of large images?"""
    few = write_archive(tmp_path / "few", 24, 768)
    many = enlarged(few, tmp_path / "many", 5)  # of 170 MB more, were they kept
    assert peak(many) < 1.1 * peak(few)
