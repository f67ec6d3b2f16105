import json
import math

import pytest
import torch
from torch import nn

from course_utils.models import CifarResNet
from experiments import initialization
from experiments.initialization import WAYS


@pytest.mark.parametrize("way", WAYS)
def test_scales(way):
    """Are the blocks' last scales zero where the way says so, and of 2018 within 0 and 1?"""
    model = CifarResNet(8, channels=1)
    WAYS[way](model)
    last = torch.cat([block.norm2.weight for block in model.blocks])
    first = model.stem[1].weight
    assert bool((last == 0).all()) == way.endswith("zero gamma")
    assert bool((first == 1).all()) == (way != "PyTorch until 1.1")
    assert first.min() >= 0 and first.max() <= 1


def test_what_was_chosen():
    """Does a fresh ResNet have the scales and the spread of weights of the way that was chosen?"""
    torch.manual_seed(0)
    fresh, drawn = CifarResNet(20), CifarResNet(20)
    WAYS["Kaiming, PyTorch's head"](drawn)
    for one, other in zip(fresh.modules(), drawn.modules(), strict=True):
        if isinstance(one, nn.BatchNorm2d):
            assert torch.equal(one.weight, other.weight)
        elif isinstance(one, nn.Conv2d | nn.Linear):
            assert (one.weight.std() / other.weight.std()).item() == pytest.approx(1, abs=0.2)


def test_stored_file():
    """Are the first losses of every way stored, and those of the chosen one never accused?"""
    stored = json.loads(initialization.RESULTS.read_text())
    assert list(stored) == list(WAYS)
    for depth in initialization.DEPTHS:
        losses = {way: stored[way][f"first loss, ResNet-{depth}"] for way in WAYS}
        assert all(len(values) == len(initialization.LOSS_SEEDS) for values in losses.values())
        assert max(losses["Kaiming, PyTorch's head"]) < 2 * math.log(10)
