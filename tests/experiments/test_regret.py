import inspect

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


def test_stored_picks_are_those_of_today():
    """Are the stored picks what the package's rules say of the stored sweeps?"""
    results = regret.RESULTS.read()["tasks"]
    for name, curves in regret.CURVES.read()["curves"].items():
        assert regret.own_picks(curves) == results[name]["picks"], name


def test_regret_on_the_confirming_half():
    """Does the rule lose at most a point in the mean and three at worst, where none was chosen?"""
    results = regret.RESULTS.read()["tasks"]
    for mode, factor in (("constant", 1), ("cycle", PEAK_FACTOR)):
        average, worst, silent = regret.score(
            results, "confirm", mode, "suggestion, fine sweep", factor
        )
        assert average < 1 and worst < 3 and not silent
