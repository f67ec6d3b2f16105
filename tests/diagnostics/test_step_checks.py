import pytest
import torch
import torch.nn.functional as F

from course_utils.diagnostics.step_checks import check_arrival, check_repeats, watched_gradients
from course_utils.models import simple_net
from course_utils.training.step import TrainStep


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(16, 1, 14, 14), torch.arange(16) % 10


def own_step(model, optimizer, *, before=True, steps=True):
    def step(batch):
        images, labels = batch
        if before:
            optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        if steps:
            optimizer.step()
        if not before:
            optimizer.zero_grad()
        return loss.detach()

    return step


def set_up(model=None):
    model = model or simple_net(196)
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


@pytest.mark.parametrize("before", [True, False])
def test_healthy_step(batch, before):
    """Is a right step left alone, whether it clears gradients before or after, and its LR kept?"""
    model, optimizer = set_up()
    assert check_repeats(optimizer, own_step(model, optimizer, before=before), batch) == []
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_no_step(batch):
    """Is it found that the optimizer is never asked to step?"""
    model, optimizer = set_up()
    (finding,) = check_repeats(optimizer, own_step(model, optimizer, steps=False), batch)
    assert finding.name == "clean gradients" and "optimizer.step() was not called" in finding.words


def test_rate_after_an_error(batch):
    """Does the learning rate come back where the step raises?"""
    _, optimizer = set_up()

    def step(batch):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        check_repeats(optimizer, step, batch)
    assert optimizer.param_groups[0]["lr"] == 0.1


def arrival(model, optimizer, batch):
    step = TrainStep(model, optimizer)
    with watched_gradients(optimizer) as arrived:
        for _ in range(3):
            step(batch)
    return [finding.words for finding in check_arrival(model, arrived)]


def test_last_layer_of_zeros(batch):
    """Is a layer left alone that gets its first gradient only in the second step?"""
    model, optimizer = set_up()
    torch.nn.init.zeros_(model[-1].weight)
    assert arrival(model, optimizer, batch) == []


def test_cut_off(batch):
    """Are parameters named that lie before a detach?"""

    class Detach(torch.nn.Module):
        def forward(self, features):
            return features.detach()

    net = simple_net(196)
    (words,) = arrival(*set_up(torch.nn.Sequential(*net[:3], Detach(), net[3])), batch)
    assert words.startswith("1.weight, 1.bias got no gradient")


def test_many_names(batch):
    """Is a long list of parameters cut short?"""
    model, optimizer = set_up(torch.nn.Sequential(*(torch.nn.Linear(4, 4) for _ in range(3))))
    (finding,) = check_arrival(model, {0: True})
    assert finding.words.startswith("0.weight, 0.bias, 1.weight and 3 more")
