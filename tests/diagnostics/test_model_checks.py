import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.diagnostics.model_checks import check_first_loss, check_model
from course_utils.models import simple_net
from course_utils.profiles import set_seed


def found(model, loss_function=F.cross_entropy):
    set_seed(1)
    images, labels = torch.randn(16, 1, 14, 14), torch.arange(16) % 10
    return [(f.name, f.words) for f in check_model(model, loss_function, images, labels)]


def test_probabilities_for_a_loss_that_wants_them():
    """Is a model of probabilities left alone where the loss takes their logarithm?"""

    def loss(probabilities, labels):
        return F.nll_loss(torch.log(probabilities + 1e-9), labels)

    assert found(nn.Sequential(simple_net(196), nn.Softmax(1)), loss) == []


class LooksBack(nn.Module):
    def forward(self, features):
        return features - 0.5 * features.roll(1, dims=0)


@pytest.mark.parametrize("mixes", [nn.BatchNorm1d(10, track_running_stats=False), LooksBack()])
def test_mixed_samples(mixes):
    """Is it found that an output depends on the other samples of the batch?"""
    ((name, _),) = found(nn.Sequential(simple_net(196), mixes))
    assert name == "own sample only"


def test_fixed_batch_size():
    """Is a model found that takes only batches of the size it was written for?"""
    fixed = nn.Sequential(nn.Unflatten(0, (16, 1)), nn.Flatten(0, 1))
    ((name, words),) = found(nn.Sequential(simple_net(196), fixed))
    assert name == "own sample only" and "fails on a single image" in words


@pytest.mark.parametrize("box", [tuple, lambda layers: dict(enumerate(layers))])
def test_hidden_layers(box):
    """Are layers in a tuple or a dict found?"""

    class Forgets(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = simple_net(196)
            self.more = box([nn.Linear(3, 3)])

        def forward(self, images):
            return self.net(images)

    ((name, words),) = found(Forgets())
    assert name == "hidden layers" and "Forgets.more" in words and "nn.ModuleList" in words


def test_layers_known_twice():
    """Is a list of layers left alone that are registered as well?"""

    class Lists(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = simple_net(196)
            self.order = list(self.net)

        def forward(self, images):
            return self.net(images)

    assert found(Lists()) == []


@pytest.mark.parametrize("loss", [1.3, 2.3, 4.0])
def test_first_loss(loss):
    """Is a first loss near ln 10 left alone?"""
    assert check_first_loss(loss, 64, 10) == []


@pytest.mark.parametrize(
    "loss, why",
    [
        (-0.1, "log_softmax is missing"),
        (math.nan, "not normalised"),
    ],
)
def test_bad_first_loss(loss, why):
    """Is a loss found that guessing cannot have, with its likely reason?"""
    (finding,) = check_first_loss(loss, 64, 10)
    assert finding.name == "loss at start" and why in finding.words and "2.30" in finding.words
