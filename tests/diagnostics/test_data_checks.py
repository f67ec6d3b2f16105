import pytest
import torch
from torch import nn

from course_utils.data.datasets import load_fashion_mnist
from course_utils.data.image_dataset import pool_images
from course_utils.diagnostics.data_checks import (
    check_batch,
    check_loader,
    check_meaning,
    first_input,
    fraction_right,
)
from course_utils.models import simple_net, small_cnn
from course_utils.profiles import set_seed
from course_utils.training.step import TrainStep


def smooth_images(count=32):
    """Draw a bright disc at another place in each image."""
    generator = torch.Generator().manual_seed(0)
    centres = 4 + 6 * torch.rand(count, 2, 1, 1, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(14.0), torch.arange(14.0), indexing="ij")
    distance = (rows - centres[:, 0]) ** 2 + (columns - centres[:, 1]) ** 2
    return torch.exp(-distance / 10)[:, None] - 0.2


def found(images, labels=None, model=None):
    labels = torch.arange(len(images)) % 10 if labels is None else labels
    findings = check_batch(model or small_cnn(), images, labels, 10)
    return [(finding.name, finding.words) for finding in findings]


def test_healthy():
    """Is a batch of smooth, normalised images left alone?"""
    assert found(smooth_images()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_not_finite(value):
    """Is one bad value found, and counted?"""
    images = smooth_images()
    images[3, 0, 2, 2] = value
    ((name, words),) = found(images)
    assert name == "values" and "1 input values are NaN or infinite" in words


def test_model_that_scales_by_itself():
    """Is a model judged by what its first layer gets, and not by what it is given?"""

    class Scales(nn.Module):
        def forward(self, images):
            return images / 255

    raw = 255 * smooth_images()
    assert found(raw, model=nn.Sequential(Scales(), small_cnn())) == []
    assert first_input(nn.Sequential(Scales(), small_cnn()), raw).abs().max() <= 1
    assert first_input(nn.Flatten(), raw) is raw


def test_constant_input():
    """Is a batch found that is the same everywhere?"""
    ((name, words),) = found(torch.ones(32, 14 * 14), model=nn.Linear(14 * 14, 10))
    assert name == "values" and "hardly differ" in words


@pytest.mark.parametrize("low, high", [(1, 10), (-1, 9)])
def test_labels_out_of_range(low, high):
    """Are labels found that are no class of the model, and their range named?"""
    labels = torch.arange(32) % 8 + 1
    labels[0], labels[1] = low, high
    ((name, words),) = found(smooth_images(), labels)
    assert name == "labels" and f"from {low} to {high}" in words and "0 to 9" in words


def test_one_class():
    """Is a batch of one class found, unless it is very small?"""
    ((name, words),) = found(smooth_images(), torch.full((32,), 4))
    assert name == "labels" and "all 32 labels are 4" in words
    assert found(smooth_images(8), torch.full((8,), 4)) == []


def test_columns_normalised():
    """Is it found that each column was normalised for itself?"""
    images = smooth_images()
    ((name, words),) = found(images - images.mean(-2, keepdim=True))
    assert name == "picture" and "every column of every image has mean 0" in words


def test_no_pictures():
    """Is noise that is no picture, or too small for one, not judged as a picture?"""
    noise = torch.randn(32, 196, generator=torch.Generator().manual_seed(0))
    assert found(noise, model=nn.Linear(196, 10)) == []
    tiny = noise.view(32, 4, 7, 7)
    assert found(tiny, model=nn.Sequential(nn.Flatten(), nn.Linear(196, 10))) == []


def test_labels_that_change():
    """Is a loader found that shuffles labels apart from their images?"""
    images, labels = smooth_images(), torch.arange(32) % 10

    class Reshuffles:
        def __iter__(self):
            yield images, labels[torch.randperm(32)]

    torch.manual_seed(0)
    (finding,) = check_loader(Reshuffles(), 32)
    assert finding.name == "same label each time" and "of 32 images" in finding.words


def test_steady_labels():
    """Is a loader left alone that shuffles both alike, or that augments its images?"""
    data = torch.utils.data.TensorDataset(smooth_images(), torch.arange(32) % 10)
    assert check_loader(torch.utils.data.DataLoader(data, batch_size=8, shuffle=True), 20) == []

    class Augments:
        def __iter__(self):
            yield smooth_images() + torch.rand(1), torch.randperm(32)

    assert check_loader(Augments(), 32) == []


def test_one_class_is_easy_to_guess():
    """Is the frequency of the most frequent class what guessing is measured by?"""
    images = pool_images(load_fashion_mnist()[0], 2)
    inputs = (images.images[:600].float() - 80) / 90
    labels = (torch.arange(600) % 10 == 0).long()
    set_seed(0)
    model = simple_net(196)
    step = TrainStep(model, torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9))
    (finding,) = check_meaning(model, step, inputs, labels)
    assert "guessing gets 90%" in finding.words


def test_fraction_right():
    """Does the largest output decide?"""
    outputs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 2.0], [0.0, 0.1]])
    assert fraction_right(torch.nn.Identity(), outputs, torch.tensor([0, 1, 1, 0])) == 0.5
