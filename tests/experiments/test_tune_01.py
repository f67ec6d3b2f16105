import json

import pytest
import torch

from course_utils import lessons
from course_utils.data import ImageDataset
from course_utils.models import simple_net
from experiments import tune_01

COUNTS = (4, 6, 9)


@pytest.fixture
def tiny(monkeypatch):
    """Give three classes of unequal size, and batches as large as an epoch."""
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor(COUNTS))
    noise = torch.Generator().manual_seed(0)
    images = torch.randint(256, (len(labels), 1, 2, 2), dtype=torch.uint8, generator=noise)
    return ImageDataset(images, labels, ("a", "b", "c"), (0.5,), (0.25,), "tiny")


@pytest.mark.parametrize(
    "arm, expected",
    [("as it is", COUNTS), ("oversampling", (9, 9, 9)), ("undersampling", (4, 4, 4))],
)
def test_epochs(arm, expected, tiny):
    """Does each arm show the images that its name says, in every epoch in another order?"""
    epochs = tune_01.epochs(arm, tiny.labels, 0)
    first, second = next(epochs), next(epochs)
    for positions in (first, second):
        assert tuple(tiny.labels[positions].bincount().tolist()) == expected
    assert not torch.equal(first, second)


def test_sampler_draws_as_torchs_own(tiny):
    """Are the classes equal on average where all is drawn with replacement?"""
    epochs = tune_01.epochs("WeightedRandomSampler", tiny.labels, 0)
    drawn = torch.cat([next(epochs) for _ in range(500)])
    assert len(drawn) == 500 * len(tiny)
    shares = tiny.labels[drawn].bincount() / len(drawn)
    torch.testing.assert_close(shares, torch.full((3,), 1 / 3), atol=0.02, rtol=0)


def test_train(tiny):
    """Do weights, batch size and smoothing change the training, and the seed alone not?"""

    def weights(arm="as it is", **changes):
        net = lambda: simple_net(4, 3, 3)  # noqa: E731
        model = tune_01.train(net, tiny, arm, 30, **{"lr": 0.1, "seed": 0, **changes})
        return next(model.parameters())

    plain = weights()
    assert torch.equal(plain, weights())
    for other in (
        weights("weighted loss"),
        weights(batch_size=5),
        weights(label_smoothing=0.1),
        weights(seed=1),
    ):
        assert not torch.equal(plain, other)


@pytest.mark.slow
def test_command(monkeypatch, tmp_path, tiny):
    """Does the command store what is missing, and leave alone what is there?"""
    monkeypatch.setattr(lessons, "STORED", tmp_path)
    parts = {"rates": lambda: {"new": 1}, "recalls": lambda: {"new": 2}}
    monkeypatch.setattr(tune_01, "PARTS", parts)
    (tmp_path / "tune_01.json").write_text('{"rates": {"old": 0}}')
    tune_01.main()
    content = json.loads((tmp_path / "tune_01.json").read_text())
    assert (content["rates"], content["recalls"]) == ({"old": 0}, {"new": 2})
    tune_01.main(["rates"])
    assert json.loads((tmp_path / "tune_01.json").read_text())["rates"] == {"new": 1}


def test_prior_correction_trains_no_net_of_its_own(monkeypatch, tiny):
    """Is prior correction the untreated net with other logits?"""
    logits = torch.tensor([[2.0, 1.9], [2.0, 0.0]])
    asked = []

    def results(net, arm, *_, **__):
        asked.append(arm)
        return logits, torch.tensor([1, 0]), torch.tensor([9, 1])

    monkeypatch.setattr(tune_01, "results", results)
    run = {"lr": 0.1, "seed": 0}
    assert tune_01.accuracy("perceptron", "as it is", "short", **run) == 50
    assert tune_01.accuracy("perceptron", "prior correction", "short", **run) == 50
    assert asked == ["as it is", "as it is"]
