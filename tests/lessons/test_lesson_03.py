import json

import numpy as np
import pytest
import torch

from course_utils.lessons import STORED, exercise_03, lesson_03
from course_utils.lessons.lesson_03 import OPTIMIZERS, optimizer_factory
from course_utils.plotting.loss_surfaces import RAVINE, descend
from course_utils.teaching.exercises import check

RULES = {**exercise_03.OTHERS, "Adam": exercise_03.EXERCISE}


def weights():
    return [torch.zeros(1, requires_grad=True)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_name_has_its_optimizer(name):
    """Does each name give an optimizer with the learning rate, and two names never the same?"""
    assert optimizer_factory(name, lr=0.3)(weights()).param_groups[0]["lr"] == 0.3
    path = descend(RAVINE, optimizer_factory(name, lr=0.01), steps=5)
    for other in set(OPTIMIZERS) - {name}:
        theirs = descend(RAVINE, optimizer_factory(other, lr=0.01), steps=5)
        assert not np.allclose(path, theirs, rtol=1e-6)


def test_momentum_of_each():
    """Does the momentum reach the optimizers that have one, and is zero allowed?"""
    groups = {
        n: optimizer_factory(n, lr=1, momentum=0.5)(weights()).param_groups[0] for n in OPTIMIZERS
    }
    assert groups["SGD"]["momentum"] == 0
    assert groups["momentum SGD"]["momentum"] == groups["Nesterov"]["momentum"] == 0.5
    assert groups["Nesterov"]["nesterov"] and not groups["momentum SGD"]["nesterov"]
    assert groups["Adam"]["betas"] == (0.5, 0.999)
    plain = [
        descend(RAVINE, optimizer_factory(n, lr=0.01, momentum=0), steps=9) for n in OPTIMIZERS[:3]
    ]
    np.testing.assert_allclose(plain[1:], [plain[0]] * 2)


def test_muon():
    """Does Muon move the matrices alone, by steps of Adam's length, and without weight decay?"""
    model = torch.nn.Linear(20, 30)
    before = [weights.detach().clone() for weights in model.parameters()]
    optimizer = optimizer_factory("Muon", lr=0.01)(model.parameters())
    model(torch.randn(5, 20, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    optimizer.step()
    matrix, bias = (now - old for now, old in zip(model.parameters(), before, strict=True))
    assert not bias.any()
    assert 0.0005 < matrix.square().mean().sqrt() < 0.004  # Adam's are 0.2 LRs long on the whole
    assert optimizer.param_groups[0]["weight_decay"] == 0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rules_are_torch(name):
    """Does each rule's reference take the steps of torch.optim, a hundred of them?"""
    exercise = RULES[name]
    gradients, lr, *_ = exercise.cases[-1].arguments
    ours = exercise.call(exercise.reference, gradients, lr)
    w = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = optimizer_factory(name, lr=lr)([w])
    theirs = []
    for gradient in gradients:
        w.grad = torch.full_like(w, gradient)
        optimizer.step()
        theirs.append(w.item())
    assert len(theirs) == 100
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", exercise_03.OTHERS)
def test_other_rules(name, monkeypatch, tmp_path):
    """Does each of the other rules pass its own check, and is each mistake told in its words?"""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    exercise = exercise_03.OTHERS[name]
    assert check(exercise.reference, exercise).passed
    assert exercise.mistakes
    for mistake, words in exercise.mistakes:
        assert words in check(mistake, exercise).message


def test_load(monkeypatch):
    """Are the images of each profile disjoint parts of one set, of the size that the net takes?"""
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    train, valid, test = lesson_03.load()
    assert [len(part) for part in (train, valid, test)] == [10_000, 5_000, 10_000]
    assert {tuple(part.images.shape[1:]) for part in (train, valid, test)} == {(1, 14, 14)}
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    assert [len(part) for part in lesson_03.load()[:2]] == [48, 32]


def test_stored_say_what_the_text_says():
    """Do the stored results bear out the sentences under the lesson's figures and tables?"""
    found = json.loads((STORED / "tune_03.json").read_text())["optimizers"]
    means = {
        name: {way: np.mean(values) for way, values in arms["test"].items()}
        for name, arms in found.items()
    }
    five = [means[name] for name in OPTIMIZERS]
    assert sum(abs(arm["steepest"] - arm["0.01"]) < 0.1 for arm in five) == 3
    assert means["Adam"]["0.01"] - means["Adam"]["steepest"] == pytest.approx(1.5, abs=0.05)
    assert max(abs(arm["best"] - arm["suggestion"]) for arm in five) < 0.5
    assert means["Muon"]["best"] - means["Muon"]["suggestion"] == pytest.approx(1.7, abs=0.05)
    tops = {n: max(np.mean(v) for v in arms["validation"].values()) for n, arms in found.items()}
    assert sorted(round(tops[name], 1) for name in OPTIMIZERS)[:: len(OPTIMIZERS) - 1] == [
        81.6,
        84.5,
    ]
    assert round(tops["Muon"], 1) == 85.6
