import pytest
import torch

from course_utils.lessons import exercise_08, lesson_08
from course_utils.lessons.lesson_08 import BUGS


@pytest.fixture(scope="module")
def images():
    return lesson_08.settings().load()


def set_up(images, seed=0, model="MLP"):
    settings = lesson_08.settings()
    return settings.set_up(images, seed, device=torch.device("cpu"), model=model)


@pytest.mark.parametrize("model", ["MLP", "small CNN", "ResNet-8"])
def test_set_up(images, model):
    """Is a set-up the same for the same seed, another for another, and ready to train?"""
    first, same, other = (
        set_up(images, 0, model),
        set_up(images, 0, model),
        set_up(images, 1, model),
    )
    assert torch.equal(first.images, same.images) and not torch.equal(first.images, other.images)
    weights = [next(s.model.parameters()) for s in (first, same, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    _, step = first.build()
    assert step(first.loader()[0]) > step(first.loader()[0])
    assert [len(labels) for _, labels in first.loader()] == [64] * 16


def test_suspects():
    """Is each suspect of the hunt a planted bug, with an option that names it?"""
    assert len(exercise_08.SUSPECTS) == len(exercise_08.HUNT)
    assert set(exercise_08.SUSPECTS) <= set(BUGS)
    assert sorted(question["correct"] for question in exercise_08.HUNT) == list("ABCD")


def test_twelve_bugs():
    """Are there twelve bugs at the least, in model, loss, data and loop?"""
    assert len(BUGS) >= 12
    assert {bug.place for bug in BUGS.values()} == {"model", "loss", "data", "loop"}
