import numpy as np
import pytest

from course_utils.imbalance import class_counts, oversample_indices
from course_utils.lessons import exercise_01, lesson_01, stored_results
from course_utils.lessons.lesson_01 import ARMS


@pytest.mark.parametrize("profile", ["quick", "full", "smoke"])
def test_settings(profile, monkeypatch):
    """Has each profile a learning rate for every arm and budget, and the same ratio of classes?"""
    monkeypatch.setenv("COURSE_PROFILE", profile)
    settings = lesson_01.settings()
    assert list(settings.lrs) == ["short", "long"]
    assert all(set(rates) == set(ARMS) for rates in settings.lrs.values())
    assert profile == "smoke" or settings.largest == 20 * settings.smallest


def test_rates_are_the_stored_ones():
    """Are the quick profile's rates those that `experiments.tune_01` has chosen?"""
    settings, stored = lesson_01.quick_settings(), stored_results("tune_01")
    for budget, rates in settings.lrs.items():
        assert rates == {arm: stored["rates"][budget][arm]["lr"] for arm in ARMS}
    assert settings.tuned == {name: stored["tuned"][name] for name in settings.tuned}


def test_sets(monkeypatch):
    """Hold the balanced and the skewed set equally many images, in their own proportions?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    settings = lesson_01.settings()
    source, valid, test = settings.load()
    skewed, balanced = settings.step_set(source, 0), settings.balanced_set(source, 0)
    few, many = settings.smallest, settings.largest
    assert class_counts(skewed).tolist() == [few] * 5 + [many] * 5
    assert len(balanced) == len(skewed) and len(class_counts(balanced).unique()) == 1
    assert (len(source), len(valid), len(test)) == (*settings.sizes, 40)
    assert len(class_counts(test).nonzero()) == 10


def test_library_solves_the_exercise():
    """Does the package's own oversampling pass the check of the exercise?"""

    def oversample(labels, rng):
        return oversample_indices(labels, seed=int(rng.integers(1000))).numpy()

    exercise = exercise_01.EXERCISE
    for case in exercise.cases:
        expected = exercise.call(exercise.reference, *case.arguments)
        got = exercise.call(oversample, *case.arguments)
        for name, value in expected.items():
            np.testing.assert_array_equal(got[name], value)
