from pathlib import Path

import pytest

from course_utils.data import load_images
from experiments import speedrun


@pytest.fixture
def shrunk(monkeypatch):
    """Shrink the command to a generated set, a narrow net and a few steps."""
    monkeypatch.setattr(speedrun, "load_cifar10", lambda: load_images("smoke"))
    monkeypatch.setattr(speedrun, "WIDTHS", (8, 16, 16))
    monkeypatch.setattr(speedrun, "BATCH_SIZE", 40)
    monkeypatch.setattr(speedrun, "EPOCHS", 20)


@pytest.mark.slow
def test_command(shrunk, capsys):
    """Does the command learn a small set, and say accuracy and seconds of each seed?"""
    speedrun.main(["--seeds", "2"])
    *seeds, both = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in seeds] == ["seed 0", "seed 1"]
    assert float(both.split()[0]) > 60  # of ten classes
    assert "±" in both and both.endswith(" s")


def test_short_enough():
    """Does the file stay one that is read in a minute?"""
    assert len(Path(speedrun.__file__).read_text(encoding="utf-8").splitlines()) <= 120
