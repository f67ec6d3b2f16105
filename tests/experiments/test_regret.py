import inspect

import pytest

from course_utils.lr import find_lr
from course_utils.lr.curve import PEAK_FACTOR
from experiments import regret


def test_halves():
    """Is each planned task in one half only, and are tasks of both halves measured?"""
    stored = regret.RESULTS.read()
    choose, confirm = (set(stored["split"][half]["tasks"]) for half in ("choose", "confirm"))
    assert not choose & confirm
    assert len(choose & set(stored["tasks"])) >= 15 <= len(confirm & set(stored["tasks"]))


def test_table():
    """Does the table show the chosen rule beside each peer's own suggestion?"""
    text = regret.table(regret.RESULTS.read()["tasks"])
    for name in ("CHOSEN", "fastai, valley", "torch-lr-finder", "ignite", "Lightning"):
        assert name in text


def test_the_packages_rule_is_the_chosen_one():
    """Is what the choosing half chooses `LRCurve.suggestion` on `find_lr`'s default sweep?"""
    results = regret.RESULTS.read()["tasks"]
    assert regret.choose(results) == ("suggestion, fine sweep", 1, PEAK_FACTOR)
    settings = inspect.signature(find_lr).parameters
    default = tuple(settings[name].default for name in ("min_lr", "max_lr", "steps"))
    assert default == regret.SWEEPS["fine sweep"] and settings["beta"].default == regret.BETA


@pytest.mark.slow
def test_stored_picks_are_those_of_today():
    """Are the stored picks what the package's rules say of the stored sweeps?"""
    results = regret.RESULTS.read()["tasks"]
    for name, curves in regret.CURVES.read()["curves"].items():
        assert regret.own_picks(curves) == results[name]["picks"], name


def test_luck_of_the_winner_does_not_count():
    """Is the best point judged by seeds that did not choose it, where there are fresh ones?"""
    lucky = {"0.1": [90.0, 80.0], "1": [85.0, 85.0]}
    fresh = {"0.1": [80.0, 80.0], "1": [85.0, 85.0]}
    result = {"constant": lucky, "fresh": {"constant": fresh}}
    assert regret.accuracies(result, "constant") == {0.1: [90, 80, 80, 80], 1.0: [85] * 4}
    assert regret.best_by_others(regret.accuracies(result, "constant")) == 85
    assert regret.regrets(result, "constant", [0.1, 1.0]) == [2.5, 0]
    # Two points that are alike, but for chance: the better one's luck is not taken for a gain.
    chance = {0.1: [88.0, 84.0], 1.0: [84.0, 88.0]}
    assert regret.best_by_others(chance) == 84


def test_confirming_tasks_are_trained_on_six_seeds():
    """Has each task of the confirming half fresh seeds at the points that two had tried?"""
    for result in regret.RESULTS.read()["tasks"].values():
        assert ("fresh" in result) == (result["half"] == "confirm")
        for mode in regret.MODES if "fresh" in result else ():
            tried = {lr for lr, seeds in result[mode].items() if len(seeds) == 2}
            assert set(result["fresh"][mode]) == tried
            assert {len(seeds) for seeds in result["fresh"][mode].values()} == {4}


def test_fresh_seeds_train_where_two_did(monkeypatch):
    """Does the command train the points of two seeds alone, once a fresh seed?"""
    asked = []

    def accuracy(task, mode, lr, seed):
        asked.append((mode, lr, seed))
        return 50.0

    monkeypatch.setattr(regret.Task, "accuracy", accuracy)
    result = {mode: {"0.1": [1.0, 2.0], "10": [3.0]} for mode in regret.MODES}
    found = regret.fresh_accuracies(regret.all_tasks()[0], result)
    assert found == {mode: {"0.1": [50.0] * 4} for mode in regret.MODES}
    assert asked == [(mode, 0.1, seed) for mode in regret.MODES for seed in regret.FRESH_SEEDS]


def test_regret_on_the_confirming_half():
    """Does the rule lose at most a point in the mean and three at worst, where none was chosen?"""
    results = regret.RESULTS.read()["tasks"]
    for mode, factor in (("constant", 1), ("cycle", PEAK_FACTOR)):
        average, worst, silent = regret.score(
            results, "confirm", mode, "suggestion, fine sweep", factor
        )
        assert average < 1 and worst < 3 and not silent
