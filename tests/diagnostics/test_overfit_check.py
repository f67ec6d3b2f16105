import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.data.datasets import load_fashion_mnist
from course_utils.data.device_loader import DeviceLoader
from course_utils.data.image_dataset import pool_images
from course_utils.diagnostics.overfit_check import overfit_check
from course_utils.lessons.lesson_08 import BUGS, HARMLESS, set_up
from course_utils.models import CifarResNet, simple_net, small_cnn
from course_utils.profiles import set_seed
from course_utils.training.step import TrainStep


@pytest.fixture(scope="module")
def images():
    return pool_images(load_fashion_mnist()[0], 2)


def batches(images, seed, batch_size=64):
    return DeviceLoader(images, batch_size=batch_size, shuffle=True, seed=seed)


KINDS = {
    "MLP": lambda: simple_net(196),
    "MLP with dropout": lambda: nn.Sequential(nn.Flatten(), nn.Dropout(0.5), simple_net(196)),
    "small CNN": small_cnn,
    "ResNet-8": lambda: CifarResNet(8, channels=1),
    "log-softmax twice": lambda: nn.Sequential(simple_net(196), nn.LogSoftmax(1)),
}
OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-2),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=3e-3, weight_decay=0.1),
}

# A ResNet takes seconds: one seed is enough of it.
CASES = [(kind, seed) for kind in KINDS for seed in (0, 1) if (kind, seed) != ("ResNet-8", 1)]
SLOW = [
    pytest.param(kind, seed, marks=pytest.mark.slow if kind == "ResNet-8" else ())
    for kind, seed in CASES
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind, seed", SLOW)
def test_healthy_models_are_not_accused(images, kind, optimizer, seed):
    """Is nothing found in a healthy model of several kinds, with dropout and weight decay set?"""
    set_seed(seed)
    model = KINDS[kind]()
    report = overfit_check(
        model,
        OPTIMIZERS[optimizer](model.parameters()),
        batches(images, seed),
        loss_function=F.cross_entropy,
    )
    assert report.findings == () and report.passed
    assert report.steps == len(report.losses) < 1000
    assert str(report).startswith("Nothing wrong was found.\nThe few samples were learned in")


# Bug -> the checks that are to find it, and words of each.
FOUND_BY = {
    "softmax twice": {"output": "still costs 1.46 nats"},
    "softmax over the batch": {"own sample only": "softmax or normalisation over axis 0"},
    "softmax missing": {"loss at start": "log_softmax is missing", "overfit": "never negative"},
    "ReLU on the logits": {"output": "a ReLU after the last layer", "overfit": "it is stuck"},
    "dropout left on": {"same output twice": "F.dropout", "same step twice": "at random"},
    "layer frozen": {"gradients everywhere": "hidden.0.weight, hidden.0.bias cannot be trained"},
    "layers in a list": {"hidden layers": "Net.hidden holds layers in a plain list"},
    "summed loss": {"loss at start": "it is 64 times as much, one for each image: summed?"},
    "raw pixels": {"values": "raw pixels?", "loss at start": "not normalised"},
    "pixels scrambled": {"picture": "the pixels are scrambled"},
    "rows normalised": {"picture": "every row of every image has mean 0"},
    "labels shuffled once": {"labels mean something": "guessing gets"},
    "labels misaligned": {"labels mean something": "guessing gets"},
    "labels reshuffled": {"same step twice": "at random", "overfit": "change from step to step"},
    "no zero_grad": {"clean gradients": "zero_grad()", "overfit": "it explodes"},
    "no zero_grad, plain SGD": {"clean gradients": "zero_grad()"},
    "LR far too small": {"overfit": "falls in each step, but slowly"},
    "LR far too large": {"overfit": "it explodes"},
    "optimizer holds one layer": {"gradients everywhere": "hidden.0.weight, hidden.0.bias is not"},
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", BUGS)
def test_planted_bugs_are_found(images, name, seed):
    """Is each planted bug found by the checks that are meant to, and told in their words?"""
    report = set_up(images, seed, bug=BUGS[name], count=464).check(64, 600)
    words = {finding.name: finding.words for finding in report.findings}
    for check, expected in FOUND_BY[name].items():
        assert expected in words[check] and f"- {check}: {words[check]}" in str(report)
    assert not report.passed
    assert (report.outcome == "caught") == ("overfit" in words)


def test_harmless(images):
    """Is a second log-softmax, which changes nothing, left alone?"""
    assert set_up(images, 0, bug=HARMLESS, count=464).check(64, 600).passed


def test_slow_is_no_fault(images):
    """Is a healthy net that only needs more steps told so, and not accused?"""
    made = set_up(images, 0, count=464)
    made.optimizer.param_groups[0]["lr"] = 0.01
    report = made.check(64, 500)
    assert report.passed and report.steps is None and report.outcome == "too slow"
    assert "still falls: raise the learning rate" in str(report)


def test_label_smoothing_is_named(images):
    """Is label smoothing, which keeps a healthy net from zero, told from a bug?"""
    made = set_up(images, 0, count=464)
    settings = {"loss_function": nn.CrossEntropyLoss(label_smoothing=0.1), "max_steps": 300}
    report = overfit_check(made.model, made.optimizer, made.loader(), **settings)
    assert report.outcome == "caught"
    assert "label smoothing of 0.1 alone keeps it from zero" in str(report)


def test_zeroed_inputs_are_named(images):
    """Is a net that finds nothing in its inputs told so?"""
    made = set_up(images, 0, count=464)
    blank = [(0 * x, y) for x, y in made.loader()]
    report = overfit_check(made.model, made.optimizer, blank, max_steps=300)
    assert "the net finds nothing in the inputs" in str(report)


def test_all_is_put_back(images):
    """Are model, optimizer, loader and generators as before, gradients and dropout included?"""
    set_seed(0)
    model = KINDS["MLP with dropout"]()
    optimizer = OPTIMIZERS["SGD"](model.parameters())
    loader = batches(images, 0)
    TrainStep(model, optimizer)(next(iter(loader)))
    state = torch.get_rng_state()
    before = [p.clone() for p in model.parameters()] + [p.grad.clone() for p in model.parameters()]
    position = loader.state_dict()
    model.eval()
    overfit_check(model, optimizer, loader, loss_function=F.cross_entropy, max_steps=50)
    after = [*model.parameters(), *(p.grad for p in model.parameters())]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert loader.state_dict() == position and torch.equal(torch.get_rng_state(), state)
    assert model[1].p == 0.5 and not model.training
    assert optimizer.param_groups[0]["weight_decay"] == 1e-2


def test_small_loader(images):
    """Is it said what could not be checked for want of samples?"""
    inputs, labels = next(iter(batches(images, 0, 64)))
    set_seed(0)
    model = simple_net(196)
    optimizer = OPTIMIZERS["SGD"](model.parameters())
    report = overfit_check(model, optimizer, [(inputs, labels)], loss_function=F.cross_entropy)
    assert report.passed and "needs 300 samples more" in str(report)


def test_bad_labels_stop_the_check(images):
    """Are labels that no output has told before they crash the loss?"""
    inputs, labels = next(iter(batches(images, 0, 64)))
    model = simple_net(196)
    optimizer = OPTIMIZERS["SGD"](model.parameters())
    report = overfit_check(model, optimizer, [(inputs, labels + 1)], loss_function=F.cross_entropy)
    assert [finding.name for finding in report.findings] == ["labels"]
    assert report.outcome == "not tried"
    assert report.losses == () and "Nothing more was checked" in str(report)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"loader": [(torch.randn(8, 196), torch.zeros(8, 10).long())]}, r"shape \(8, 10\)"),
        ({"loader": [(torch.randn(8, 196), torch.arange(6))]}, r"\(6,\).* must be .*\(8,\)"),
        ({"model": nn.Sequential(nn.Linear(196, 1), nn.Flatten(0))}, r"makes \(8,\) of 8 samples"),
        ({"model": nn.Linear(196, 1)}, r"makes \(8, 1\) of 8 samples.* 2 classes"),
    ],
)
def test_bad_input(change, words):
    """Does bad input raise a sentence that shows it?"""
    loader = change.pop("loader", [(torch.randn(8, 196), torch.arange(8))])
    model = change.pop("model", simple_net(196))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=words):
        overfit_check(model, optimizer, loader, loss_function=F.cross_entropy, **change)
