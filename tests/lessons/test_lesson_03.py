import numpy as np
import pytest
import torch

from course_utils.data.device_loader import DeviceLoader
from course_utils.lessons import exercise_03, lesson_03
from course_utils.lessons.lesson_03 import OPTIMIZERS, optimizer_factory
from course_utils.plotting.loss_surfaces import RAVINE, descend


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


def test_exercise_is_torch():
    """Does the exercise's reference take the steps of torch.optim.Adam, a hundred of them?"""
    case = exercise_03.EXERCISE.cases[-1]
    gradients, lr, *betas = case.arguments
    ours = exercise_03.EXERCISE.call(exercise_03.EXERCISE.reference, *case.arguments)
    w = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=lr, betas=betas)
    theirs = []
    for gradient in gradients:
        w.grad = torch.full_like(w, gradient)
        optimizer.step()
        theirs.append(w.item())
    assert len(theirs) == 100
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Give the lesson's settings and images on generated data."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    settings = lesson_03.settings()
    return settings, settings.load()


def test_builds_differ_in_the_optimizer_alone(small):
    """Do two optimizers with one seed get the same weights and the same order of images?"""
    settings, (train, *_) = small
    one, other = (settings.build(n, train, 7, lr=0.1, device="cpu") for n in ("SGD", "Adam"))
    for a, b in zip(one[0].parameters(), other[0].parameters(), strict=True):
        assert torch.equal(a, b)
    assert torch.equal(next(iter(one[2]))[1], next(iter(other[2]))[1])
    assert type(one[1]) is not type(other[1])


def test_accuracy(small):
    """Is the accuracy one in percent, and the same for the same seed?"""
    settings, (train, _, test) = small
    batches = DeviceLoader(test, batch_size=40)
    arguments = {"lr": 0.01, "eval_batches": batches, "device": "cpu"}
    first, second = (settings.accuracy("SGD", train, 3, **arguments) for _ in range(2))
    assert first == second and 0 <= first <= 100
