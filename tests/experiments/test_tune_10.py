import json
from itertools import chain

import pytest

from course_utils.data import DeviceLoader, load_images
from course_utils.lessons.race_10 import Recipe
from experiments import tune_10


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Shrink the command to a generated set, a narrow net, three changes and few seeds."""
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    monkeypatch.setattr(tune_10, "load_fashion_mnist", lambda: load_images("smoke"))
    monkeypatch.setattr(tune_10, "SIZES", (128, 32))
    monkeypatch.setattr(tune_10, "WIDTH", 4)
    monkeypatch.setattr(tune_10, "BUDGET", 256)
    monkeypatch.setattr(tune_10, "SHORT", 128)
    monkeypatch.setattr(tune_10, "BUDGETS", (128, 256, 512, 1024, 2048, 8192))
    monkeypatch.setattr(tune_10, "TARGET", 30.0)
    wanted = ("images on the device", "momentum", "decay to zero")
    changes = {name: tune_10.CHANGES[name] for name in wanted}
    monkeypatch.setattr(tune_10, "CHANGES", changes)
    monkeypatch.setattr(tune_10, "LEAST_GAIN", -100.0)  # all stay
    for kind in ("SWEEP", "TUNING", "CLIMBING", "TEST", "SHORT"):
        monkeypatch.setattr(tune_10, f"{kind}_SEEDS", (1, 2))
    return tmp_path / "tune_10.json"


@pytest.mark.slow
def test_command_stores_and_resumes(small, monkeypatch):
    """Does the command climb, race, take away again, and not repeat what is stored?"""
    tune_10.main([])
    found = json.loads(small.read_text())
    assert list(found["rungs"]) == ["textbook", *tune_10.CHANGES]
    assert found["rungs"]["decay to zero"]["recipe"]["schedule"] == "linear decay"
    assert set(found["race"]) == {"textbook", "momentum", "decay to zero"}
    kinds = ["the top", "without momentum", "without decay to zero", "with 1cycle"]
    assert list(found["ablation"]) == kinds
    everything = (found[part].values() for part in ("race", "ablation", "controls"))
    for one in chain.from_iterable(everything):
        assert len(one["accuracy"]) == len(one["images"]) == 2
        assert set(one["images"]) <= set(tune_10.BUDGETS)
    schedules = ["winner", "winner, constant LR", "winner, 1cycle"]
    assert list(found["short"]) == ["textbook", *schedules]
    assert all(len(one["accuracy"]) == 2 for one in found["short"].values())
    monkeypatch.setattr(tune_10, "climb", pytest.fail)
    monkeypatch.setattr(tune_10, "race", pytest.fail)
    tune_10.main([])
    assert json.loads(small.read_text()) == found


@pytest.mark.parametrize("schedule", ["constant", "linear decay"])
@pytest.mark.parametrize("needed, expected", [(100, 128), (200, 256), (900, 1024)])
def test_race_finds_the_smallest_budget(small, monkeypatch, schedule, needed, expected):
    """Is the smallest budget found that reaches the target, above and below the fixed one?"""

    def accuracies(recipe, images, measured, budgets, *, width, seed):
        for budget in budgets:
            yield 31.0 if budget >= needed else 29.0

    monkeypatch.setattr(tune_10, "accuracies", accuracies)
    images, test = load_images("smoke")
    found = tune_10.race(Recipe(schedule=schedule), images, DeviceLoader(test, batch_size=40))
    assert found["images"] == [expected] * 2
    assert found["accuracy"] == [31.0 if needed <= 256 else 29.0] * 2


def test_ablation_takes_back_one_change():
    """Does each recipe differ from the top in what its name says, with steps as long?"""
    top = Recipe(lr=0.05, momentum=0.9, schedule="1cycle", muon=0.02)
    recipes = [
        Recipe(lr=0.05, momentum=0.9),
        Recipe(lr=0.05, momentum=0.9, schedule="1cycle"),
        top,
    ]
    rungs = {name: {"recipe": {}, "stays": False} for name in tune_10.CHANGES}
    rungs["decay to zero"]["stays"] = True
    for name, recipe in zip(("momentum", "1cycle", "Muon"), recipes, strict=True):
        rungs[name] = {"recipe": vars(recipe), "stays": True}
    found = tune_10.ablation(rungs)
    assert found["the top"] == top
    assert found["without Muon"] == recipes[1]
    assert "without decay to zero" not in found  # 1cycle is in its place
    assert found["without momentum"].momentum == 0
    assert found["without momentum"].lr == pytest.approx(0.5)
    assert found["without 1cycle"].schedule == "constant"
    assert found["with linear decay"].schedule == "linear decay"


@pytest.mark.slow
def test_seconds(small):
    """Are seconds measured for every rung?"""
    rungs = {
        "textbook": {"recipe": vars(Recipe(on_device=False))},
        "top": {"recipe": vars(Recipe())},
    }
    found = tune_10.seconds(rungs, load_images("smoke")[0])
    assert found.keys() == rungs.keys()
    assert all(seconds > 0 for seconds in found.values())
