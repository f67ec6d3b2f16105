import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from course_utils.data.device_loader import DeviceLoader
from course_utils.data.image_dataset import (
    ImageDataset,
    channel_statistics,
    pool_images,
    split_images,
    train_and_test,
)


def make_set(n=12, shape=(2, 4, 6), classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=generator)
    names = tuple("abcdefghij"[:classes])
    return ImageDataset(images, torch.arange(n) % classes, names, (0.4, 0.5), (0.2, 0.3), "letters")


def test_length_and_words():
    """Does a set know its length, and describe itself without printing its pixels?"""
    data = make_set()
    assert len(data) == 12
    assert repr(data) == "ImageDataset(letters: 12 images of 2 x 4 x 6, 3 classes)"


def test_frozen():
    """Can no part of a set be replaced by accident?"""
    with pytest.raises(FrozenInstanceError):
        make_set().labels = torch.zeros(12)


@pytest.mark.parametrize("index", [0, 7, -1, torch.tensor(3), np.int64(11)])
def test_item(index):
    """Is an item the normalised image, float32, and its label as an int?"""
    data = make_set()
    assert isinstance(data, Dataset)
    image, label = data[index]
    mean, std = (torch.tensor(v, dtype=torch.float64).view(2, 1, 1) for v in (data.mean, data.std))
    expected = (data.images[int(index)].double() / 255 - mean) / std
    torch.testing.assert_close(image.double(), expected, rtol=1e-6, atol=1e-6)
    assert (image.dtype, label) == (torch.float32, int(index) % 12 % 3) and type(label) is int


def test_items_end():
    """Does a loop over the set end, where an index beyond it raises one sentence?"""
    data = make_set()
    assert [label for _, label in data] == data.labels.tolist()
    for index in (12, -13):
        with pytest.raises(IndexError, match=rf"^There is no image {index}: letters has 12\.$"):
            data[index]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python 3.12 and later
@pytest.mark.parametrize("workers", [0, 2])
def test_in_a_data_loader(workers):
    """Does a DataLoader, with workers as well, give what DeviceLoader gives, bit for bit?"""
    data = make_set()
    batches = list(DataLoader(data, batch_size=5, num_workers=workers))
    for (images, labels), own in zip(batches, DeviceLoader(data, batch_size=5), strict=True):
        assert torch.equal(images, own[0]) and torch.equal(labels, own[1])
        assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)


def test_pickle():
    """Does a set come back from a pickle, as workers that are spawned get it?"""
    data = make_set()
    data[0]
    back = pickle.loads(pickle.dumps(data))
    assert torch.equal(back[3][0], data[3][0]) and repr(back) == repr(data)


@pytest.mark.parametrize("convert", [list, tuple, np.array, torch.tensor, torch.IntTensor])
def test_subset(convert):
    """Does a subset hold the images asked for, in that order, repeated ones as well?"""
    data = make_set()
    part = data.subset(convert([5, 0, 5]))
    assert torch.equal(part.images, data.images[[5, 0, 5]])
    assert part.labels.tolist() == [2, 0, 2]
    assert part.labels.dtype == torch.int64
    assert (part.mean, part.std, part.name) == (data.mean, data.std, data.name)
    assert part.class_names == data.class_names


def test_pooling():
    """Is each pixel of a pooled image the mean of its block, rounded half up?"""
    data = make_set(1500)
    pooled = pool_images(data, 2)
    blocks = data.images.long().view(1500, 2, 2, 2, 3, 2)
    sums = sum(blocks[:, :, :, i, :, j] for i in range(2) for j in range(2))
    assert torch.equal(pooled.images.long(), (sums + 2) // 4)
    assert (sums % 4 == 2).any()
    assert (pooled.images.shape, pooled.name) == ((1500, 2, 2, 3), "letters pooled to 2 x 3")
    assert torch.equal(pooled.labels, data.labels)
    assert (pooled.mean, pooled.std) == (data.mean, data.std)  # so that both sets stay alike


def test_pooling_extremes():
    """Do pooled white images stay white, and does factor 1 change no pixel?"""
    data = make_set()
    white = replace(data, images=torch.full_like(data.images, 255))
    assert (pool_images(white, 2).images == 255).all()
    assert torch.equal(pool_images(data, 1).images, data.images)


def test_pooling_of_a_permuted_set():
    """Are images pooled that do not lie in one piece of memory?"""
    data = make_set()
    images = data.images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert torch.equal(
        pool_images(replace(data, images=images), 2).images, pool_images(data, 2).images
    )


def imbalanced():
    data = make_set(1000)
    return replace(data, labels=torch.tensor([0] * 700 + [1] * 250 + [2] * 50))


def positions(part, whole):
    where = {image.numpy().tobytes(): i for i, image in enumerate(whole.images)}
    return [where[image.numpy().tobytes()] for image in part.images]


def test_split_is_disjoint():
    """Do the parts have the sizes asked for, no image in common, and each image its label?"""
    data = imbalanced()
    parts = split_images(data, (500, 200, 99), seed=0)
    found = [positions(part, data) for part in parts]
    assert [len(part) for part in parts] == [500, 200, 99]
    assert len(set(sum(found, []))) == 799
    for part, where in zip(parts, found, strict=True):
        assert torch.equal(part.labels, data.labels[where])
        assert where == sorted(where)


@pytest.mark.parametrize("seed", range(5))
def test_split_is_stratified(seed):
    """Has each part of each class its fraction, to within one image?"""
    for part in split_images(imbalanced(), (333, 100, 20, 7), seed=seed):
        expected = torch.tensor([0.7, 0.25, 0.05]) * len(part)
        assert (part.labels.bincount(minlength=3) - expected).abs().max() <= 1


def test_split_is_random_and_seeded():
    """Does the seed alone decide which images are drawn, and each image get its chance?"""
    data = imbalanced()
    state = torch.get_rng_state()
    first, again, other = (split_images(data, (500,), seed=s)[0] for s in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.images, again.images)
    assert 150 < len(set(positions(first, data)) & set(positions(other, data))) < 350
    drawn = set().union(*(positions(split_images(data, (500,), s)[0], data) for s in range(15)))
    assert len(drawn) == 1000


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


def test_split_by_numbers_of_numpy():
    """Do sizes and a seed of NumPy's integers split as Python's do?"""
    sizes = np.array([4, 6])
    numpy, python = (
        split_images(make_set(), (*sizes,), np.int64(1)),
        split_images(make_set(), (4, 6), 1),
    )
    for one, other in zip(numpy, python, strict=True):
        assert torch.equal(one.images, other.images)
