from dataclasses import replace

import pytest
import torch

from course_utils.data import DeviceLoader, load_images
from course_utils.lessons.race_10 import MatrixConv, Recipe, accuracies, one_by_one, race_net


@pytest.fixture(scope="module")
def sets():
    return load_images("smoke")


def test_matrix_conv():
    """Is it PyTorch's convolution, with the weight as a matrix?"""
    ours = MatrixConv(3, 5, stride=2)
    theirs = torch.nn.Conv2d(3, 5, 3, stride=2, padding=1, bias=False)
    theirs.weight.data = ours.weight.data.view(5, 3, 3, 3)
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ours(images), theirs(images))
    assert ours.weight.shape == (5, 27)


@pytest.mark.parametrize("channels, size", [(1, 28), (3, 32)])
def test_net_takes_both_sets(channels, size):
    """Does the net take the images of either profile?"""
    assert race_net(channels, size, 4)(torch.zeros(2, channels, size, size)).shape == (2, 10)


def test_loader_of_the_textbook(sets):
    """Does the DataLoader give the same normalised images as the one on the device?"""
    few = sets[0].subset(range(64))
    pixels, labels = next(iter(one_by_one(few, batch_size=64, seed=0)))
    ours, our_labels = next(iter(DeviceLoader(few, batch_size=64)))
    order = [int((ours - image).abs().flatten(1).sum(1).argmin()) for image in pixels]
    assert sorted(order) == list(range(64))
    torch.testing.assert_close(pixels, ours[order])
    torch.testing.assert_close(labels, our_labels[order])


def test_muon_takes_inner_convolutions():
    """Do Muon and SGD share the weights, none twice and none left out?"""
    net = race_net(1, 28, 4)
    sgd, muon = Recipe(muon=0.02).optimizers(net)
    held = [p for one in (sgd, muon) for p in one.param_groups[0]["params"]]
    assert {id(p) for p in held} == {id(p) for p in net.parameters()}
    assert len(held) == len(list(net.parameters()))
    assert [tuple(p.shape) for p in muon.param_groups[0]["params"]] == [(8, 36), (16, 72)]
    assert len(Recipe().optimizers(net)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"on_device": False},
        {"channels_last": True},
        {"schedule": "linear decay"},
        {"schedule": "1cycle", "muon": 0.02},
        {"flip": True, "smoothing": 0.1},
        {"average": 3},
        {"muon": 0.02},
    ],
    ids=str,
)
def test_each_recipe_learns(sets, change):
    """Does a net learn by each recipe, and twice the same with the same seed?"""
    train, test = sets
    recipe = replace(Recipe(lr=0.05, momentum=0.9, batch_size=32), **change)
    measured = DeviceLoader(test, batch_size=100)
    first, second = (
        list(accuracies(recipe, train, measured, [320, 1600], width=4, seed=0)) for _ in range(2)
    )
    assert first == second
    assert len(first) == 2
    assert first[-1] > 40


def test_linear_decay_ends_at_zero():
    """Does the LR start where it should, and is it zero after the last step?"""
    optimizers = Recipe(lr=0.1, schedule="linear decay", muon=0.02).optimizers(race_net(1, 28, 4))
    schedules = Recipe(schedule="linear decay").schedules(optimizers, 10)
    seen = []
    for _ in range(10):
        seen.append([one.param_groups[0]["lr"] for one in optimizers])
        for each in (*optimizers, *schedules):
            each.step()
    assert seen[0] == [0.1, 0.02]
    assert seen[5] == pytest.approx([0.05, 0.01])
    assert [one.param_groups[0]["lr"] for one in optimizers] == [0, 0]
