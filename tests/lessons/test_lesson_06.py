import pytest
import torch

from course_utils.data.device_loader import DeviceLoader
from course_utils.lessons import lesson_06
from course_utils.lessons.lesson_06 import Setup


@pytest.fixture
def smoke(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    return lesson_06.settings()


@pytest.mark.parametrize("profile, shape", [("quick", (1, 14, 14)), ("full", (3, 32, 32))])
@pytest.mark.parametrize("name", ["perceptron", "convolutional"])
def test_nets_fit_the_profile(profile, shape, name, monkeypatch):
    """Does each profile's net take its images, and drop values in training alone?"""
    monkeypatch.setenv("COURSE_PROFILE", profile)
    model = lesson_06.settings().nets[name].model(0.5)
    images = torch.randn(4, *shape)
    assert model(images).shape == (4, 10)
    (dropout,) = [m for m in model.modules() if isinstance(m, torch.nn.Dropout)]
    assert dropout.p == 0.5
    model.eval()
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize("name", ["perceptron", "convolutional"])
def test_dropout_stands_before_the_last_layer(name, monkeypatch):
    """Is it hidden values that are dropped, not the net's outputs?"""
    monkeypatch.setenv("COURSE_PROFILE", "full")
    layers = list(lesson_06.settings().nets[name].model(0.5).modules())
    assert isinstance(layers[-2], torch.nn.Dropout) and isinstance(layers[-1], torch.nn.Linear)


def test_builder(smoke):
    """Do the hyperparameters arrive, and does the seed decide weights and order?"""
    train, _, _ = smoke.load()
    setup = Setup(batch_size=8, weight_decay=0.01, dropout=0.25)
    net = smoke.nets["convolutional"]
    build = net.builder(train, setup, torch.device("cpu"), lr=0.3)
    (model, optimizer, batches), again, other = build(0), build(0), build(1)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.3, 0.9, 0.01)
    assert batches.batch_size == 8 and len(batches) == 12
    weights = [next(made[0].parameters()) for made in ((model,), again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    labels = [next(iter(made[2]))[1] for made in ((0, 0, batches), again, other)]
    assert torch.equal(labels[0], labels[1]) and not torch.equal(labels[0], labels[2])


def test_accuracy(smoke):
    """Is the accuracy repeatable, in %, and does the schedule make a difference?"""
    train, _, test = smoke.load()
    measured = DeviceLoader(test, batch_size=40)
    net = smoke.nets["perceptron"]
    run = {"lr": 1e-3, "epochs": 1, "seed": 0}
    first, again = (net.accuracy(train, measured, Setup(16), **run) for _ in range(2))
    assert first == again and 0 <= first <= 100
    constant = net.accuracy(train, measured, Setup(16), **run, one_cycle=False)
    assert constant != first


@pytest.mark.parametrize("profile", ["quick", "full", "smoke"])
def test_batches_fit(profile, monkeypatch):
    """Does the largest batch fit into the images, and is the base among what is swept?"""
    monkeypatch.setenv("COURSE_PROFILE", profile)
    settings = lesson_06.settings()
    assert max(settings.batch_sizes) <= settings.sizes[0]
    assert settings.base.batch_size in settings.batch_sizes
    assert settings.weight_decays[0] == settings.dropouts[0] == 0
    assert list(settings.weight_decays) == sorted(settings.weight_decays)
    assert settings.sweep_steps >= 2
