import json

import pytest

from course_utils.lessons import lesson_04
from experiments import tune_04


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Shrink the command to one arm, two rates and one seed on generated images."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    path = tmp_path / "tune_04.json"
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    monkeypatch.setattr(tune_04, "LR_GRID", (1e-6, 0.2, 1e30))
    monkeypatch.setattr(tune_04, "CONFIRM_SEEDS", (4,))
    monkeypatch.setattr(tune_04, "CONFIRMED", [("constant", "small_cnn", 16)])
    monkeypatch.setattr(tune_04, "TUNING_SEEDS", (2,))
    monkeypatch.setattr(tune_04, "TEST_SEEDS", (2, 3))
    monkeypatch.setattr(tune_04, "SMALL", [("constant", 16, 2)])
    monkeypatch.setattr(tune_04, "NARROW", [])
    monkeypatch.setattr(tune_04, "quick_settings", lambda model: lesson_04.settings())
    return path


@pytest.mark.slow
def test_command_stores_and_resumes(small, capsys, monkeypatch):
    """Does the command choose a rate, survive one that diverges, and not repeat what is stored?"""
    tune_04.main([])
    (entry,) = json.loads(small.read_text())["entries"].values()
    validation = {float(lr): values for lr, values in entry["validation"].items()}
    assert validation[entry["lr"]] == max(validation.values())
    assert {1e-6, 0.2, 1e30} <= validation.keys() and validation[1e30] == [10.0]
    assert len(entry["test"]) == 2 and len(entry["confirm"]) == 1 and entry["steps"] == 8
    assert f"LR {entry['lr']}," in capsys.readouterr().out
    monkeypatch.setattr(tune_04, "tune", pytest.fail)
    tune_04.main([])
    assert capsys.readouterr().out == ""
