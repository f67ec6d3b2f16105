import json

import pytest

from experiments import tune_03


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Shrink the command to one optimizer, three rates and few seeds on few images."""
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    monkeypatch.setattr(tune_03, "NAMES", ("SGD",))
    monkeypatch.setattr(tune_03, "FACTORS", (1e-6, 1, 1e30))
    monkeypatch.setattr(tune_03, "SIZES", (512, 64))
    monkeypatch.setattr(tune_03, "EPOCHS", 1)
    for seeds in ("SWEEP_SEEDS", "TUNING_SEEDS", "TEST_SEEDS"):
        monkeypatch.setattr(tune_03, seeds, (1, 2))
    return tmp_path / "tune_03.json"


@pytest.mark.slow
def test_command_stores_and_resumes(small, capsys, monkeypatch):
    """Does the command choose a rate, survive one that diverges, and not repeat what is stored?"""
    tune_03.main([])
    (entry,) = json.loads(small.read_text())["optimizers"].values()
    assert entry["lrs"]["best"] == tune_03.CENTRES["SGD"]
    assert entry["validation"]["3e+29"] == [10.0, 10.0]
    assert [*entry["test"]] == [*entry["lrs"]] == ["0.01", "steepest", "suggestion", "best"]
    assert [*entry["falling"]] == ["0.01", "steepest", "peak"]
    assert entry["peak"] == pytest.approx(2 * entry["lrs"]["suggestion"])
    assert {len(found) for found in entry["test"].values()} == {2}
    assert "SGD" in capsys.readouterr().out
    monkeypatch.setattr(tune_03, "tune", pytest.fail)
    tune_03.main([])
    assert capsys.readouterr().out == ""
