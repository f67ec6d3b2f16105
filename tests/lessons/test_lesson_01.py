from dataclasses import replace

import numpy as np
import pytest
import torch

from course_utils.imbalance.imbalance import class_counts
from course_utils.imbalance.sampling import oversample_indices
from course_utils.lessons import exercise_01, lesson_01
from course_utils.lessons.lesson_01 import ARMS, Repeated


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Give the lesson's settings and images on generated data."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    settings = lesson_01.settings()
    return settings, settings.load()


@pytest.mark.parametrize("profile", ["quick", "full", "smoke"])
def test_settings(profile, monkeypatch):
    """Has each profile a learning rate for every arm and budget, and the same ratio of classes?"""
    monkeypatch.setenv("COURSE_PROFILE", profile)
    settings = lesson_01.settings()
    assert list(settings.budgets) == list(settings.lrs) == ["short", "long"]
    assert all(set(rates) == {"balanced", *ARMS} for rates in settings.lrs.values())
    assert profile == "smoke" or settings.largest == 20 * settings.smallest


def test_sets(small):
    """Hold the balanced and the skewed set equally many images, in their own proportions?"""
    settings, (source, valid, test) = small
    skewed, balanced = settings.step_set(source, 0), settings.balanced_set(source, 0)
    few, many = settings.smallest, settings.largest
    assert class_counts(skewed).tolist() == [few] * 5 + [many] * 5
    assert len(balanced) == len(skewed) and len(class_counts(balanced).unique()) == 1
    assert (len(source), len(valid), len(test)) == (*settings.sizes, 40)
    assert len(class_counts(test).nonzero()) == 10


def test_each_arm_trains_on_its_images(small, monkeypatch):
    """Does each arm give the training the images that its name says?"""
    settings, (source, *_) = small
    settings = replace(settings, batch_size=1000)
    images, seen = settings.step_set(source, 0), {}

    def look(model, optimizer, batches, **settings):
        (_, labels), *_ = batches
        seen[arm] = labels.bincount().tolist()

    monkeypatch.setattr(lesson_01, "fit", look)
    for arm in ARMS:
        settings.train(arm, images, steps=2, lr=0.1, seed=0, device="cpu")
    few, many = settings.smallest, settings.largest
    skewed = [few] * 5 + [many] * 5
    assert seen["oversampling"] == [many] * 10
    assert seen["undersampling"] == [few] * 10
    assert seen["as it is"] == seen["weighted loss"] == skewed


def test_weights_reach_the_loss(small):
    """Does the weighted loss lead to another model than the plain one, from the same start?"""
    settings, (source, *_) = small
    images = settings.step_set(source, 0)
    run = {"steps": 2, "lr": 0.1, "seed": 0, "device": "cpu"}
    plain, weighted, again = (
        next(settings.train(arm, images, **run).parameters())
        for arm in ("as it is", "weighted loss", "as it is")
    )
    assert torch.equal(plain, again) and not torch.equal(plain, weighted)


@pytest.mark.parametrize("steps", [1, 3, 4, 7])
def test_repeated(steps):
    """Are epochs repeated until exactly the steps are taken, in the middle of one as well?"""
    repeated = Repeated(["a", "b", "c"], steps)
    assert len(repeated) == steps
    assert "".join(repeated) == "abcabca"[:steps]


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
