import pytest
import torch
from torch import nn

from course_utils.detection import Detections, pack
from course_utils.detection.centernet import boxes_to_maps
from course_utils.lessons import lesson_09
from course_utils.lessons.lesson_09 import ARMS, MORE_ARMS, Arms, contrast_of, heat_of
from course_utils.lessons.measures_09 import (
    RECALL,
    best_threshold,
    compare_at_recall,
    compare_detectors,
    empty_score,
    f2_above,
    pairs,
)

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
    """A detector that knows the ships of some scenes, and sees a ship in some images without."""

    def __init__(self, scenes, false_alarms=0, misses=()):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))
        self.known = {
            bytes(scene.image.numpy()): torch.empty(0, 4) if i in misses else scene.boxes
            for i, scene in enumerate(scenes)
        }
        self.empty = {bytes(s.image.numpy()) for s in scenes if not len(s.boxes)}
        self.false_alarms = false_alarms

    def forward(self, images):
        outputs = []
        for image in images:
            boxes, score = self.known[bytes(image.numpy())], 4.0
            if bytes(image.numpy()) in self.empty and self.false_alarms:
                self.false_alarms -= 1
                boxes, score = torch.tensor([[8.0, 8, 16, 16]]), 5.0
            maps = boxes_to_maps(boxes[None], *image.shape[1:])
            heat = torch.where(maps[:, 5:6] == 1, score, -8.0)
            outputs.append(torch.cat([heat, maps[:, 1:5]], 1))
        return torch.cat(outputs)


def test_profiles(monkeypatch):
    """Does every profile have settings, with three seeds and more images without ships?"""
    for profile in ("quick", "full", "smoke"):
        monkeypatch.setenv("COURSE_PROFILE", profile)
        settings = lesson_09.settings()
        assert len(settings.seeds) >= 3 and settings.counts.empty >= 2 * settings.counts.ships
        assert settings.mined <= settings.counts.empty / 4


def test_perfect_detector(arms):
    """Does a detector that knows the ships come out as one, beside finding nothing?"""
    scenes = [*arms.data.valid, *arms.data.test]
    result = compare_detectors({"oracle": Oracle(scenes)}, arms.data.valid, arms.data.test)
    arm = result.arms["oracle"]
    assert arm.false_alarms == 0 and arm.recall > 0.9 and arm.f2 > 0.8
    assert arm.average_precision == pytest.approx(1, abs=0.1) and result.recall == RECALL
    assert result.sentence() == "Compared where each finds 60 % of the ships."
    words = result.table().splitlines()
    nothing = sum(not len(scene.boxes) for scene in arms.data.test) / len(arms.data.test)
    assert words[-1].split()[:2] == ["finding", "nothing"]
    assert float(words[-1].split()[-1]) == pytest.approx(nothing, abs=0.005)


def test_false_alarms_an_empty_image(arms):
    """Are false alarms counted on test images without ships, at the compared recall?"""
    scenes = [*arms.data.valid, *arms.data.test]
    empty = sum(not len(scene.boxes) for scene in scenes)
    result = compare_detectors({"a": Oracle(scenes, empty)}, arms.data.valid, arms.data.test)
    assert result.arms["a"].false_alarms == 1 and result.arms["a"].recall >= 0.9


def test_recall_out_of_reach(arms):
    """Are all compared at the highest recall that each reaches, and is that said?"""
    scenes = [*arms.data.valid, *arms.data.test]
    half = Oracle(scenes, misses=[i for i, scene in enumerate(scenes) if i % 2])
    models = {"whole": Oracle(scenes), "half": half}
    result = compare_detectors(models, arms.data.valid, arms.data.test)
    assert 0.2 < result.recall < RECALL
    assert "60 % is out of reach for one detector at least" in result.sentence()
    assert result.table().startswith(f"Compared where each finds {100 * result.recall:.0f} % of")


def test_beside_others(arms):
    """Is a detector that joins a comparison measured as if all had been run again?"""
    scenes = [*arms.data.valid, *arms.data.test]
    models = {"a": Oracle(scenes), "b": Oracle(scenes, misses=range(0, len(scenes), 2))}
    parts = arms.data.valid, arms.data.test
    one = compare_detectors({"a": models["a"]}, *parts)
    models["a"].forward = None  # it must not run again
    joined = compare_detectors({"b": models["b"]}, *parts, beside=one)
    models["a"] = Oracle(scenes)
    assert joined.table() == compare_detectors(models, *parts).table()
    alone = compare_detectors(models, [], arms.data.test)
    assert alone.arms["b"].false_alarms == joined.arms["b"].false_alarms


def test_blind_detector(arms):
    """Is a detector that finds nothing at all measured as such, and named out of reach?"""
    blind = Oracle([*arms.data.valid, *arms.data.test], misses=range(1000))
    result = compare_detectors({"blind": blind}, arms.data.valid, arms.data.test)
    arm = result.arms["blind"]
    assert arm.recall == arm.average_precision == arm.false_alarms == result.recall == 0
    assert "out of reach" in result.sentence()


def test_empty_score():
    """Is the score of finding nothing the share of images without ships?"""
    assert empty_score([torch.empty(0, 4)] * 3 + [torch.ones(2, 4)]) == 0.75


def test_each_its_own_threshold(arms):
    """Has each detector its own threshold, where it finds the same share of the test ships?"""
    scenes = [*arms.data.valid, *arms.data.test]
    valid, test = (pairs(Oracle(scenes), part) for part in (arms.data.valid, arms.data.test))
    low = [(Detections(d.boxes, d.scores / 10), boxes) for d, boxes in test]
    result = compare_at_recall({"a": valid, "b": valid}, {"a": test, "b": low})
    assert result.arms["a"].threshold == pytest.approx(10 * result.arms["b"].threshold)
    assert result.arms["a"].recall == result.arms["b"].recall


def test_threshold_for_work():
    """Is the threshold for F2 the best one of the validation images, and not of the test's?"""
    box, wrong = torch.tensor([[0.0, 0, 8, 8]]), torch.tensor([[40.0, 40, 48, 48]])
    ship = Detections(torch.cat([box, wrong]), torch.tensor([0.9, 0.42])), box
    nothing = Detections(wrong, torch.tensor([0.61])), box[:0]
    assert best_threshold([ship]) == 0.45 and best_threshold([ship, nothing]) == 0.65
    arm = compare_at_recall({"a": [ship]}, {"a": [ship, nothing]}).arms["a"]
    assert arm.working_threshold == 0.45 and arm.f2 == 0.5
    assert f2_above(0.65, [ship, nothing]) == 1


def test_heat_and_contrast(arms):
    """Is the heat that of the three lines, in evaluation mode, and the contrast that of pixels?"""
    model, images = arms.first, pack(arms.data.empty).images
    model.train()
    heat = heat_of(model, images)
    assert model.training
    model.eval()
    with torch.no_grad():
        assert torch.allclose(heat, model(images)[:, 0].sigmoid().amax((1, 2)), atol=1e-6)
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    images[1, :, 2, 3] = 90
    assert contrast_of(images).tolist() == [0, 90]


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
    """Has every arm taken the steps of both trainings, each with its own peak?"""
    taken = []

    def noting(model, batches, steps, peak, heatmap_loss="cross-entropy"):
        taken.append((len(batches), steps, peak))
        return model

    monkeypatch.setattr(lesson_09, "train", noting)
    arms.train(name)
    settings = arms.settings
    if name not in MORE_ARMS and name != "mined":
        arms.first  # noqa: B018
    steps = [length for length, _, _ in taken]
    assert sum(steps) == settings.first_steps + settings.more_steps
    assert all(length == steps for length, steps, _ in taken)
    assert taken[-1][2] == (settings.peak if name in MORE_ARMS else settings.second_peak)
