import numpy as np
import pytest
import torch
from torch import nn

from course_utils.generated import write_generated_cifar10
from course_utils.lessons import lesson_04
from course_utils.lessons.lesson_04 import Run
from course_utils.one_cycle_curve import OneCycleCurve


def lrs_of(run, steps):
    optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=run.lr, momentum=0.9)
    schedule = run.attach(optimizer, steps)
    lrs = []
    for _ in range(steps):
        lrs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return lrs


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ("constant", [0.8] * 8),
        ("step decay", [0.8] * 4 + [0.08] * 2 + [0.008] * 2),
        ("linear decay", [0.8 * (1 - i / 8) for i in range(8)]),
        ("1cycle", OneCycleCurve.seed(8, 0.8, div=10, tail=0.25).lrs()),
    ],
)
def test_schedules(schedule, expected):
    """Does each arm's learning rate follow its schedule, step by step?"""
    run = Run(schedule, epochs=1, lr=0.8, batch_size=4, tail=0.25)
    np.testing.assert_allclose(lrs_of(run, 8), expected)


def test_unknown_schedule():
    """Does an unknown schedule raise a sentence that names it and the known ones?"""
    with pytest.raises(ValueError, match="'cosine'.*'1cycle', 'step decay'"):
        lrs_of(Run("cosine", epochs=1, lr=0.1, batch_size=4), 8)


def test_full_profile_is_the_published_one(monkeypatch):
    """Does the full profile run ResNet-56 at the source text's learning rates and epochs?"""
    monkeypatch.setenv("COURSE_PROFILE", "full")
    settings = lesson_04.settings()
    assert sum(p.numel() for p in settings.model().parameters()) == 855_770
    first, second, third = settings.runs
    curve = OneCycleCurve.seed(951, first.lr, div=first.div, tail=first.tail)
    assert [curve.lr(step) for step in (0, 410, 820, 950)] == pytest.approx([0.08, 0.8, 0.08, 8e-4])
    curve = OneCycleCurve.seed(501, second.lr, div=second.div, tail=second.tail)
    assert [curve.lr(step) for step in (0, 225, 450, 500)] == pytest.approx([0.15, 3, 0.15, 1.5e-3])
    assert [run.epochs for run in settings.runs] == [95, 50, 70]
    assert 70 * (50_000 // third.batch_size) < 7_000


def test_long_tail(monkeypatch):
    """Is the long run a short cycle whose tail takes most of the epochs?"""
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    run = lesson_04.settings().long_tail
    assert round(run.epochs * (1 - run.tail)) == 9 and run.epochs == 40


def test_training_is_repeatable(monkeypatch, tmp_path):
    """Does one seed give the same model twice, and another seed another one?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    write_generated_cifar10(tmp_path, num_train=120, num_test=40)
    settings = lesson_04.settings()
    train, valid, test = settings.load()
    assert (len(train), len(valid), len(test)) == (64, 32, 40)
    losses = [
        settings.runs[0].train(settings, train, seed, device=torch.device("cpu"))[1].step_loss
        for seed in (0, 0, 1)
    ]
    assert losses[0] == losses[1] != losses[2]
