import torch
from test_image_set import make_set

from course_utils.image_statistics import channel_statistics, train_and_test


def test_channel_statistics():
    """Are mean and standard deviation those of each channel's pixels, to the last digits?"""
    images = make_set(50).images
    images[:, 1] //= 3
    mean, std = channel_statistics(images)
    pixels = images.double().div(255).transpose(0, 1).flatten(1)
    torch.testing.assert_close(torch.tensor(mean).double(), pixels.mean(1), rtol=1e-6, atol=0)
    expected = pixels.std(1, correction=0)
    torch.testing.assert_close(torch.tensor(std).double(), expected, rtol=1e-6, atol=0)
    assert mean[1] < mean[0] / 2


def test_train_and_test_share_the_training_statistics():
    """Are both sets normalised with the mean and std of the training images alone?"""
    a, b = make_set(), make_set(6, seed=1)
    labels = [x.labels.to(torch.uint8) for x in (a, b)]
    train, test = train_and_test(a.images, labels[0], b.images, labels[1], ["a", "b", "c"], "set")
    assert (train.mean, train.std) == (test.mean, test.std) == channel_statistics(a.images)
    assert channel_statistics(b.images)[0] != test.mean
    assert (len(train), len(test), test.labels.dtype) == (12, 6, torch.int64)
