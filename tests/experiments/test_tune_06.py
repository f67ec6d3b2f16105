import json
from statistics import mean

import pytest

from course_utils.lessons import lesson_06, stored_results
from experiments import tune_06, validation_grid


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Shrink the command to few settings, rates and seeds on generated images."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    path = tmp_path / "tune_06.json"
    settings = lesson_06.settings()
    values = {
        "WIDE_GRID": (1e-6, 0.05, 1e30),
        "NARROW_GRID": (1e-6, 0.05, 1e30),
        "GRID_SEEDS": (1,),
        "TEST_SEEDS": (2, 3),
        "BATCH_SIZES": (16,),
        "DROPOUTS": (0.0,),
        "MANY_EPOCHS": 1,
        "FEW_IMAGES": 64,
        "quick_settings": lambda: lesson_06.replace(
            settings, weight_decays=(0.0,), nets={"perceptron": settings.nets["perceptron"]}
        ),
    }
    for name, value in values.items():
        monkeypatch.setattr(tune_06, name, value)
    return path


def test_command_stores_and_resumes(small, capsys, monkeypatch):
    """Does the command store every part, survive divergence, and not repeat what is stored?"""
    tune_06.main()
    content = json.loads(small.read_text())
    assert content.keys() == {"batch size", "weight decay", "dropout", "made_with"}
    entry = content["batch size"]["perceptron"]["16"]
    assert entry["validation"]["1e+30"] == [10.0] and len(entry["usable"]) == 1
    assert len(content["dropout"]["1cycle"]["0.0"]["test"]) == 2
    assert content["made_with"]["date"][:2] == "20"
    assert "batch size, perceptron, 16: LR" in capsys.readouterr().out
    monkeypatch.setattr(tune_06, "validation_grid", None)
    tune_06.main()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("best", [0.01, 0.1, 0.8])
def test_grid_goes_on_until_the_best_lies_inside(best):
    """Is the grid extended on the side where the best rate is, and no further?"""

    def accuracy(lr, seed):
        return 80 - abs(lr / best - 1)

    found, grid = validation_grid(accuracy, (0.05, 0.1, 0.2), (0, 1))
    assert min(grid) < found < max(grid) and list(grid) == sorted(grid)
    assert best / 2 < found < best * 2


def test_best_lr():
    """Is the best rate that of the highest mean, not of the highest single accuracy?"""
    assert lesson_06.best_lr({"0.1": [80, 90], "0.2": [86, 86]}) == (0.2, 86)


def test_stored_grid_is_complete():
    """Does the file beside the lesson hold each part, with the best rate inside its grid?"""
    content = stored_results("tune_06")
    assert content["batch size"].keys() == content["weight decay"].keys()
    assert set(content["weight decay"]) == {"perceptron", "convolutional"}
    for part in ("batch size", "weight decay", "dropout"):
        for entries in content[part].values():
            assert len(entries) >= 3
            for entry in entries.values():
                rates = [float(lr) for lr in entry["validation"]]
                assert min(rates) < lesson_06.best_lr(entry["validation"])[0] < max(rates)
    for arms in content["dropout"].values():
        assert all(len(arm["test"]) == 10 and mean(arm["test"]) > 70 for arm in arms.values())
