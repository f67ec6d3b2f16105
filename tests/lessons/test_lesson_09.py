from dataclasses import replace

import pytest
import torch
from torch import nn

from course_utils.detection.centernet import boxes_to_maps
from course_utils.lessons import lesson_09
from course_utils.lessons.arms_09 import ARMS, MORE_ARMS, Arms
from course_utils.lessons.measures_09 import measure

CPU = torch.device("cpu")


@pytest.fixture
def smoke(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return lesson_09.settings()


@pytest.fixture
def arms(smoke):
    return Arms(smoke, 0, CPU)


class Oracle(nn.Module):
    """A detector that knows the ships of one data set, and sees a ship in some images without."""

    def __init__(self, scenes, false_alarms):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))
        self.known = {bytes(scene.image.numpy()): scene.boxes for scene in scenes}
        self.false_alarms = false_alarms

    def forward(self, images):
        outputs = []
        for image in images:
            boxes = self.known[bytes(image.numpy())]
            score = 4.0
            if not len(boxes) and self.false_alarms:
                self.false_alarms -= 1
                boxes, score = torch.tensor([[8.0, 8, 16, 16]]), 5.0
            maps = boxes_to_maps(boxes[None], *image.shape[1:])
            heat = torch.where(maps[:, 5:6] == 1, score, -8.0)
            outputs.append(torch.cat([heat, maps[:, 1:5]], 1))
        return torch.cat(outputs)


def test_profiles(monkeypatch):
    """Does every profile have settings, the quick one with three seeds and a 30 / 70 mix?"""
    for profile in ("quick", "full", "smoke"):
        monkeypatch.setenv("COURSE_PROFILE", profile)
        counts = lesson_09.settings().counts
        assert len(lesson_09.settings().seeds) >= 3
        if profile != "smoke":
            assert counts.ships / (counts.ships + counts.empty) == pytest.approx(0.3)


def test_measure_of_a_perfect_detector(arms):
    """Does a detector that knows everything find all and nothing else?"""
    result = measure(Oracle([*arms.data.valid, *arms.data.test], 0), arms.data)
    assert result.false_positives == 0 and result.recall >= 0.9
    assert result.average_precision == pytest.approx(1, abs=0.1) and result.f2 > 0.8


def test_measure_counts_false_alarms_an_empty_image(arms):
    """Are false alarms counted on test images without ships, at the validation's threshold?"""
    empty = sum(not len(scene.boxes) for scene in [*arms.data.valid, *arms.data.test])
    result = measure(Oracle([*arms.data.valid, *arms.data.test], empty), arms.data)
    assert result.false_positives == 1 and result.recall >= 0.9


def test_measure_without_the_recall(arms):
    """Is a detector that finds nothing of what it should still measured, not an error?"""
    result = measure(arms.first, arms.data)
    assert 0 <= result.recall < 0.9 and result.threshold > 0


def test_measure_of_a_blind_detector(arms):
    """Is a detector that finds nothing at all measured as such?"""
    blind = Oracle([*arms.data.valid, *arms.data.test], 0)
    blind.known = {image: torch.empty(0, 4) for image in blind.known}
    result = measure(blind, arms.data)
    assert result.recall == result.average_precision == result.false_positives == 0


@pytest.mark.slow
def test_arms(arms):
    """Does every arm train, differ from all others, and leave the first detector as it was?"""
    first = {name: value.clone() for name, value in arms.first.state_dict().items()}
    weights = {name: arms.train(name).head.weight.detach() for name in (*ARMS, *MORE_ARMS)}
    weights["before"] = arms.first.head.weight.detach()
    names = list(weights)
    for i, name in enumerate(names):
        for other in names[i + 1 :]:
            assert not torch.equal(weights[name], weights[other]), (name, other)
    assert all(torch.equal(first[k], v) for k, v in arms.first.state_dict().items())


@pytest.mark.slow
def test_arms_are_repeatable(smoke):
    """Does the same seed give the same detector, and another one another?"""
    one, same, other = (Arms(smoke, seed, CPU).train("mined").head.weight for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)


@pytest.mark.parametrize("name", [*ARMS, *MORE_ARMS])
def test_same_number_of_steps(arms, name, monkeypatch):
    """Has every arm taken the steps of both trainings, the first detector's own included?"""
    taken = []

    def noting(model, optimizer, batches, *arguments, **keywords):
        taken.append(len(batches))

    monkeypatch.setattr(lesson_09, "fit", noting)
    arms.train(name)
    assert sum(taken) == arms.settings.first_steps + arms.settings.more_steps


def test_random_images(arms):
    """Are random images without repetition, as many as asked for, and the seed's own?"""
    drawn = arms.random(10)
    assert len(set(drawn)) == 10 and max(drawn) < len(arms.data.empty) and drawn == arms.random(10)


def test_peak_of_the_second_training(arms, monkeypatch):
    """Has the training from a trained detector the lower peak?"""
    peaks = []

    def noting(optimizer, max_lr, steps):
        peaks.append(max_lr)

    monkeypatch.setattr(lesson_09, "OneCycle", noting)
    monkeypatch.setattr(lesson_09, "fit", lambda *_, **__: None)
    settings = replace(arms.settings, peak=0.5, second_peak=0.2)
    arms.settings = settings
    arms.train("ships only")
    arms.train("natural mix")
    assert peaks == [0.5, 0.2, 0.5]
