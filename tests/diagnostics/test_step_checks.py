import pytest
import torch
import torch.nn.functional as F

from course_utils.diagnostics.step_checks import check_arrival, check_repeats, watched_gradients
from course_utils.models import simple_net, small_cnn
from course_utils.training.step import TrainStep


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(16, 1, 14, 14), torch.arange(16) % 10


def own_step(model, optimizer, *, before=True, after=False, steps=True, shuffles=False):
    def step(batch):
        images, labels = batch
        if shuffles:
            labels = labels[torch.randperm(len(labels))]
        if before:
            optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        if steps:
            optimizer.step()
        if after:
            optimizer.zero_grad()
        return loss.detach()

    return step


def set_up(model=None, optimizer=torch.optim.SGD):
    model = model or simple_net(196)
    return model, optimizer(model.parameters(), lr=0.1)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize("build", [lambda: simple_net(196), small_cnn])
@pytest.mark.parametrize("before, after", [(True, False), (False, True)])
def test_healthy_step(batch, optimizer, build, before, after):
    """Is a right step left alone, whether it clears gradients before or after, and its LR kept?"""
    model, optimizer = set_up(build(), optimizer)
    assert (
        check_repeats(optimizer, own_step(model, optimizer, before=before, after=after), batch)
        == []
    )
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert check_repeats(optimizer, TrainStep(model, optimizer), batch) == []


def test_no_zero_grad(batch):
    """Is it found that gradients add up?"""
    model, optimizer = set_up()
    (finding,) = check_repeats(optimizer, own_step(model, optimizer, before=False), batch)
    assert finding.name == "clean gradients" and "zero_grad" in finding.words


def test_no_step(batch):
    """Is it found that the optimizer is never asked to step?"""
    model, optimizer = set_up()
    (finding,) = check_repeats(optimizer, own_step(model, optimizer, steps=False), batch)
    assert finding.name == "clean gradients" and "optimizer.step() was not called" in finding.words


def test_random_step(batch):
    """Is it found that the step shuffles the labels?"""
    model, optimizer = set_up()
    (finding,) = check_repeats(optimizer, own_step(model, optimizer, shuffles=True), batch)
    assert finding.name == "same step twice" and "at random" in finding.words


def test_rate_after_an_error(batch):
    """Does the learning rate come back where the step raises?"""
    _, optimizer = set_up()

    def step(batch):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        check_repeats(optimizer, step, batch)
    assert optimizer.param_groups[0]["lr"] == 0.1


def arrival(model, optimizer, batch, step=None):
    step = step or TrainStep(model, optimizer)
    with watched_gradients(optimizer) as arrived:
        for _ in range(3):
            step(batch)
    return [(finding.name, finding.words) for finding in check_arrival(model, arrived)]


def test_gradients_arrive(batch):
    """Is a healthy model left alone, one whose last layer starts at zero included?"""
    assert arrival(*set_up(), batch) == []
    model, optimizer = set_up()
    torch.nn.init.zeros_(model[-1].weight)
    assert arrival(model, optimizer, batch) == []


def test_frozen(batch):
    """Are frozen parameters named?"""
    model, optimizer = set_up()
    model[1].weight.requires_grad_(False)
    ((name, words),) = arrival(model, optimizer, batch)
    assert name == "gradients everywhere" and words.startswith("1.weight cannot be trained")


def test_forgotten(batch):
    """Are parameters named that the optimizer does not hold?"""
    model = simple_net(196)
    optimizer = torch.optim.SGD(model[-1].parameters(), lr=0.1)
    ((_, words),) = arrival(model, optimizer, batch)
    assert words.startswith("1.weight, 1.bias is not in the optimizer")


def test_cut_off(batch):
    """Are parameters named that lie before a detach?"""

    class Detach(torch.nn.Module):
        def forward(self, features):
            return features.detach()

    net = simple_net(196)
    ((_, words),) = arrival(*set_up(torch.nn.Sequential(*net[:3], Detach(), net[3])), batch)
    assert words.startswith("1.weight, 1.bias got no gradient")


def test_many_names(batch):
    """Is a long list of parameters cut short?"""
    model, optimizer = set_up(torch.nn.Sequential(*(torch.nn.Linear(4, 4) for _ in range(3))))
    ((_, words),) = [(f.name, f.words) for f in check_arrival(model, {0: True})]
    assert words.startswith("0.weight, 0.bias, 1.weight and 3 more")
