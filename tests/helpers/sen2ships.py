"""Real harbours for tests, which lie beside the repository or where COURSE_SEN2SHIPS says."""

import os
from pathlib import Path

import pytest
from tiny_notebooks import REPOSITORY

from course_utils.detection.airbus import AirbusFolder

TABLE = "train_ship_segmentations_v2.csv"
SEN2SHIPS = Path(
    os.environ.get("COURSE_SEN2SHIPS") or REPOSITORY.parent / "shared" / "data" / "sen2ships"
)


def load_harbours():
    """Return sen2ships; the test is skipped where it is not there."""
    if not (SEN2SHIPS / TABLE).is_file():
        pytest.skip("sen2ships is neither at COURSE_SEN2SHIPS nor beside the repository")
    return AirbusFolder(SEN2SHIPS)


def port(name):
    """Return the port of a tile from its name."""
    return name.partition("_")[0]
