import torch

from course_utils.data import DeviceLoader
from course_utils.lessons.common import accuracy_after, load_split
from course_utils.models import simple_net


def test_images_are_disjoint(monkeypatch):
    """Have training and validation images their sizes, no image in common, and all their pool?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    train, valid, test = load_split(2, (48, 32))
    assert (len(train), len(valid), len(test)) == (48, 32, 40)
    both = torch.cat([train.images, valid.images])
    assert len(both.flatten(1).unique(dim=0)) == len(both)
    assert both.shape[1:] == test.images.shape[1:] == (3, 16, 16)


def test_divergence_counts_as_guessing(monkeypatch):
    """Is a run whose loss is infinite or NaN worth as much as guessing, and no error?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    train, valid, _ = load_split(2, (48, 32))
    model = simple_net(3 * 16 * 16)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e30)
    loaders = [DeviceLoader(images, batch_size=8) for images in (train, valid)]
    assert accuracy_after(model, optimizer, *loaders, epochs=1) == 10
