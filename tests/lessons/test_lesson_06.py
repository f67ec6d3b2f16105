import matplotlib.pyplot as plt
import pytest
import torch

from course_utils.data.device_loader import DeviceLoader
from course_utils.lessons import lesson_06, stored_results
from course_utils.lessons.lesson_06 import Setup
from course_utils.lr import LRCurve, LRRepeats


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
    run = {"lr": 0.01, "epochs": 1, "seed": 0}
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
    assert settings.weight_decays[0] == 0
    assert list(settings.weight_decays) == sorted(settings.weight_decays)
    assert settings.sweep_steps >= 2


LRS = [0.01, 0.1, 0.2, 0.4, 0.8, 1.6]


@pytest.fixture
def sweeps():
    """Two batch sizes without smoothing: the smaller one's loss rises early and slowly."""
    losses = ([3.0, 1.0, 1.3, 1.9, 2.9, 3.0], [3.0, 1.0, 1.0, 1.0, 1.1, 3.1])
    small, large = (LRCurve(LRS, raw, raw, beta=0.0, stop_reason="") for raw in losses)
    return {16: LRRepeats((small,)), 256: LRRepeats((large,))}


@pytest.mark.parametrize("tolerance, factor", [(0.1, 8), (0.5, 2), (1.0, 1)])
def test_factor_hangs_on_the_tolerance(sweeps, tolerance, factor):
    """Is it the ratio of the edges at this very tolerance, and does the figure say so?"""
    assert lesson_06.edge_factor(*sweeps.values(), tolerance) == pytest.approx(factor)
    _, axes = plt.subplots(1, 2)
    lesson_06.mark_edges(axes, sweeps, tolerance)
    assert axes[1].get_title() == f"factor {factor:.1f}"
    small, large = (line.get_xdata()[0] for line in axes[0].lines)
    assert large / small == pytest.approx(factor)


def test_slider_shows_a_figure(sweeps, capsys, monkeypatch):
    """Does the cell of the slider show a picture to a reader without a kernel?"""
    shown = []
    monkeypatch.setattr(
        "course_utils.plotting.widgets.display", lambda out, raw=False: shown.append(out)
    )
    lesson_06.explore_tolerance(sweeps)
    assert len(shown[0]["image/png"]) > 1000


def test_figure_of_the_batch_sizes(capsys):
    """Does each net's panel hold every stored batch size, and do the printed lines name two?"""
    _, axes = plt.subplots(1, 2)
    stored = stored_results("tune_06")["batch size"]
    lesson_06.plot_batch_sizes(axes, stored)
    assert [ax.get_title() for ax in axes] == [*stored]
    assert list(axes[0].lines[0].get_xdata()) == [1, 4, 16, 64, 256, 1024]
    assert "batch 16: edge 0.048, best LR 0.1; batch 256: edge 1.7" in capsys.readouterr().out


def test_lead_is_paired(smoke):
    """Is the lead of a decay over none a difference a seed, and of no decay over itself zero?"""
    train, _, test = smoke.load()
    measured = DeviceLoader(test, batch_size=40)
    usable = {0.0: 0.1, 1e30: 0.1}
    assert lesson_06.lead_of(smoke, 0.0, usable, train, measured) == [0, 0, 0]
    broken = lesson_06.lead_of(smoke, 1e30, usable, train, measured)
    assert len(broken) == 3 and max(broken) <= 0
