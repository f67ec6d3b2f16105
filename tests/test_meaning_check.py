import pytest
import torch

from course_utils.data import load_fashion_mnist
from course_utils.device import set_seed
from course_utils.image_set import pool_images
from course_utils.meaning_check import check_meaning, share_right
from course_utils.models import simple_net
from course_utils.train_step import TrainStep


@pytest.fixture(scope="module")
def data():
    images = pool_images(load_fashion_mnist()[0], 2)
    return (images.images[:600].float() - 80) / 90, images.labels[:600]


def found(images, labels):
    set_seed(0)
    model = simple_net(196)
    step = TrainStep(model, torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9))
    return check_meaning(model, step, images, labels)


def test_right_labels(data):
    """Are labels left alone that belong to their images?"""
    assert found(*data) == []


@pytest.mark.parametrize("wrong", ["shuffled", "misaligned"])
def test_wrong_labels(data, wrong):
    """Are labels found that belong to other images?"""
    images, labels = data
    order = torch.randperm(600, generator=torch.Generator().manual_seed(3))
    (finding,) = found(images, labels[order] if wrong == "shuffled" else labels.roll(1))
    assert finding.name == "labels mean something" and "guessing gets" in finding.words


def test_one_class_is_easy_to_guess(data):
    """Is the share of the most frequent class what guessing is measured by?"""
    images, labels = data
    rare = torch.zeros_like(labels)
    rare[::10] = 1
    (finding,) = found(images, rare)
    assert "guessing gets 90%" in finding.words


def test_share_right():
    """Is the share that of the largest output?"""
    outputs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 2.0], [0.0, 0.1]])
    assert share_right(torch.nn.Identity(), outputs, torch.tensor([0, 1, 1, 0])) == 0.5
