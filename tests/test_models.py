import pytest
import torch
import torch.nn.functional as F

from course_utils.data import load_images, pool_images
from course_utils.diagnostics.model_checks import check_first_loss
from course_utils.models import CifarResNet, simple_net, small_cnn


def count(model):
    return sum(p.numel() for p in model.parameters())


def test_simple_net():
    """Is the perceptron 784-100-10?"""
    model = simple_net()
    assert count(model) == 784 * 100 + 100 + 100 * 10 + 10
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("channels, size", [(1, 14), (1, 28), (3, 32), (1, 13)])
def test_small_cnn(channels, size):
    """Does the CNN take grey and colour images of any size?"""
    model = small_cnn(channels=channels, size=size)
    assert model(torch.zeros(2, channels, size, size)).shape == (2, 10)


@pytest.mark.parametrize("depth, parameters", [(20, 272_474), (56, 855_770), (110, 1_730_714)])
def test_resnet_parameters(depth, parameters):
    """Have the ResNets as many parameters as published, and as many weighted layers as named?"""
    model = CifarResNet(depth)
    assert count(model) == parameters
    projections = [b.shortcut[0] for b in model.blocks if len(b.shortcut)]
    layers = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) - len(projections) == depth


def test_resnet_without_projections():
    """Has ResNet-56 without the projections' parameters the 853,018 of the paper's variant?"""
    model = CifarResNet(56)
    assert count(model) - sum(count(block.shortcut) for block in model.blocks) == 853_018


def test_resnet_shortcut():
    """Does a block whose convolutions are dead pass its (non-negative) input on unchanged?"""
    block = CifarResNet(14).blocks[1]
    torch.nn.init.zeros_(block.norm2.weight)
    images = torch.rand(2, 16, 8, 8)
    assert torch.equal(block(images), images)


def test_resnet_output():
    """Does the net map 32 x 32 images to logits?"""
    assert CifarResNet(8)(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize("depth", [20, 56])
def test_resnet_first_loss(depth):
    """Does the course's own check of the first loss accuse the ResNets on none of 20 seeds?"""
    few = pool_images(load_images()[0].subset(range(64)), 2)
    for seed in range(20):
        torch.manual_seed(seed)
        model = CifarResNet(depth, channels=1)
        with torch.no_grad():
            loss = F.cross_entropy(model(few.normalised(few.images)), few.labels)
        assert not check_first_loss(float(loss), images=64, classes=10)


@pytest.mark.parametrize("depth", [2, 18, 57])
def test_resnet_bad_depth(depth):
    """Does a depth that is not 6 n + 2 raise a sentence that names it?"""
    with pytest.raises(ValueError, match=f"depth is {depth}.*6 n \\+ 2"):
        CifarResNet(depth)
