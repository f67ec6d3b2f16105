from itertools import islice

import pytest
import torch
import torch.nn.functional as F

from course_utils.data.device_loader import Augment, DeviceLoader
from course_utils.data.image_dataset import ImageDataset
from course_utils.imbalance.sampling import OversamplingSampler


def make_set(n=20, shape=(1, 6, 8), mean=0.0, std=1 / 255, seed=0):
    """Build a set of distinct images whose labels count up; by default a batch holds raw bytes."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=generator)
    channels = shape[0]
    names = tuple(str(i) for i in range(n))
    return ImageDataset(
        images, torch.arange(n), names, (mean,) * channels, (std,) * channels, "set"
    )


def epoch(batches):
    return [(images.clone(), labels.clone()) for images, labels in batches]


def labels_of(batches):
    return [labels.tolist() for _, labels in batches]


def same(a, b):
    return len(a) == len(b) and all(
        torch.equal(x, y) for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True)
    )


def references(image, *, flip, pad):
    """Pad, crop and flip one image as plainly as can be; one result a flip and offset."""
    height, width = image.shape[1:]
    padded = F.pad(image.float(), (pad, pad, pad, pad), mode="reflect")
    crops = [
        padded[:, dy : dy + height, dx : dx + width]
        for dy in range(2 * pad + 1)
        for dx in range(2 * pad + 1)
    ]
    return crops + [crop.flip(-1) for crop in crops] if flip else crops


def test_plain_order():
    """Do batches without shuffle and augmentation hold the set as it is, the last one short?"""
    data = make_set(10)
    batches = DeviceLoader(data, batch_size=4)
    for _ in range(2):
        got = epoch(batches)
        assert [labels.tolist() for _, labels in got] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
        images = torch.cat([images for images, _ in got])
        assert images.dtype == torch.float32
        assert torch.equal(images, data.images.float())
    assert len(batches) == 3
    assert batches.num_images == 10
    assert labels_of(DeviceLoader(data, batch_size=99)) == [list(range(10))]


@pytest.mark.parametrize("batch_size, count", [(4, 2), (5, 2), (10, 1)])
def test_drop_last(batch_size, count):
    """Does drop_last leave out a short batch, and only a short one?"""
    batches = DeviceLoader(make_set(10), batch_size=batch_size, drop_last=True)
    assert [len(labels) for _, labels in batches] == [batch_size] * count
    assert len(batches) == count
    assert batches.num_images == batch_size * count


def test_shuffle():
    """Does each epoch hold every image once with its label, in an order of its own?"""
    data = make_set(50)
    batches = DeviceLoader(data, batch_size=8, shuffle=True)
    orders = []
    for _ in range(3):
        got = epoch(batches)
        order = torch.cat([labels for _, labels in got])
        assert order.sort().values.tolist() == list(range(50))
        images = torch.cat([images for images, _ in got])
        assert torch.equal(images, data.images[order].float())
        orders.append(tuple(order.tolist()))
    assert len({tuple(range(50)), *orders}) == 4


def test_seed_and_epoch_are_not_added():
    """Do seed 1 at its first epoch and seed 0 at its second draw different orders?"""
    zero, one = (DeviceLoader(make_set(50), batch_size=50, shuffle=True, seed=s) for s in (0, 1))
    epochs = [labels_of(zero)[0] for _ in range(3)] + [labels_of(one)[0] for _ in range(3)]
    assert len(set(map(tuple, epochs))) == 6


def test_repeatable():
    """Does a seed give the same batches whatever the global generator did, and leave it alone?"""
    settings = {"batch_size": 7, "shuffle": True, "augment": Augment(), "seed": 3}
    torch.manual_seed(0)
    batches = DeviceLoader(make_set(), **settings)
    state = torch.get_rng_state()
    first = [epoch(batches) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    again = DeviceLoader(make_set(), **settings)
    assert all(same(epoch(again), expected) for expected in first)


def test_order_does_not_depend_on_augmentation():
    """Do runs with and without augmentation see the images in the same order?"""
    plain, augmented = (
        DeviceLoader(make_set(), batch_size=6, shuffle=True, augment=a) for a in (None, Augment())
    )
    for _ in range(2):
        assert labels_of(plain) == labels_of(augmented)


@pytest.mark.parametrize("shape, shuffle", [((1, 10, 12), True), ((3, 11, 10), False)])
@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("pad", [0, 1, 2, 4])
def test_augmentation(shape, shuffle, flip, pad):
    """Is each image bit for bit one of its shifted and flipped copies, all equally often?"""
    data = make_set(60, shape=shape)
    augment = Augment(flip=flip, pad=pad)
    batches = DeviceLoader(data, batch_size=16, shuffle=shuffle, augment=augment)
    copies = torch.stack([torch.stack(references(i, flip=flip, pad=pad)) for i in data.images])
    found = []
    for _ in range(30):
        for images, labels in batches:
            hits = (copies[labels] == images[:, None]).flatten(2).all(2)
            assert (hits.sum(1) == 1).all()
            found += hits.int().argmax(1).tolist()
    counts = torch.tensor(found).bincount(minlength=copies.shape[1])
    expected = len(found) / copies.shape[1]
    assert counts.min() > 0
    # Within five standard deviations of a binomial count.
    assert (counts - expected).abs().max() <= 5 * expected**0.5


def test_augmentation_is_drawn_for_each_image_and_epoch():
    """Do the images of a batch change differently, and otherwise in the next epoch?"""
    image = make_set(1).images
    data = ImageDataset(
        image.repeat(40, 1, 1, 1), torch.zeros(40).long(), ("a",), (0,), (1,), "set"
    )
    batches = DeviceLoader(data, batch_size=40, augment=Augment())
    (first, _), (second, _) = (next(iter(batches)) for _ in range(2))
    assert len(first.unique(dim=0)) > 10
    assert not torch.equal(first, second)


def test_the_set_stays():
    """Are the images and labels of the set unchanged after epochs, and after writing on a batch?"""
    data = make_set()
    images, labels = data.images.clone(), data.labels.clone()
    for shuffle, augment in [(True, Augment()), (True, None), (False, None)]:
        for batch in DeviceLoader(data, batch_size=6, shuffle=shuffle, augment=augment):
            for part in batch:
                part.zero_()
    assert torch.equal(data.images, images)
    assert torch.equal(data.labels, labels)


def make_batches(**changes):
    settings = {"batch_size": 6, "shuffle": True, "augment": Augment(), "seed": 5, **changes}
    return DeviceLoader(make_set(), **settings)


def test_break_begins_the_next_epoch():
    """Does iter() begin the next epoch after a break, whether the old iterator lives or not?"""
    batches = make_batches()
    epochs = [labels_of(batches) for _ in range(4)]
    batches = make_batches()
    next(iter(batches))
    assert batches.state_dict() == {"epoch": 1, "batch": 0, "seed": 5}
    kept = iter(batches)
    assert next(kept)[1].tolist() == epochs[1][0]
    assert labels_of(batches) == epochs[2]
    whole = iter(batches)
    assert [labels.tolist() for _, labels in islice(whole, 4)] == epochs[3]
    assert batches.state_dict()["epoch"] == 4
    next(iter(batches))
    assert batches.state_dict()["epoch"] == 5


def test_a_sweep_in_the_middle_of_an_epoch():
    """Does an epoch go on unmoved when the batches were used inside it and their state restored?"""
    expected = [labels_of(batches) for batches in [make_batches()] for _ in range(3)]
    batches = make_batches()
    got, kept = [], []
    for number, (_, labels) in enumerate(batches):
        got.append(labels.tolist())
        state = batches.state_dict()
        sweep = iter(batches)
        kept.append(sweep)
        list(islice(sweep, number))
        batches.load_state_dict(state)
        assert batches.state_dict() == state
    assert got == expected[0]
    kept.clear()  # iterators that end late must not move a restored state
    assert batches.state_dict() == {"epoch": 1, "batch": 0, "seed": 5}
    assert labels_of(batches) == expected[1]
    assert labels_of(batches) == expected[2]


def test_a_restored_state_survives_iterators_that_end_late():
    """Does a state that was restored after a break lead to the same next batch as before?"""
    batches = make_batches()
    next(iter(batches))
    state, expected = batches.state_dict(), labels_of(batches)
    sweep = iter(batches)
    list(islice(sweep, 2))
    batches.load_state_dict(state)
    del sweep
    assert batches.state_dict() == state
    assert labels_of(batches) == expected


SAMPLED = [0] * 12 + [1] * 5 + [2] * 3  # classes of the 20 images


def sampled(**changes):
    sampler = OversamplingSampler(SAMPLED, seed=2)
    return make_batches(shuffle=False, sampler=sampler, **changes)


def test_sampler():
    """Do batches hold the images that a sampler gives, in its order and another each epoch?"""
    batches, sampler = sampled(augment=None), OversamplingSampler(SAMPLED, seed=2)
    assert (len(batches), batches.num_images) == (6, 36)
    orders = []
    for number in range(3):
        sampler.set_epoch(number)
        got = epoch(batches)
        assert torch.cat([labels for _, labels in got]).tolist() == list(sampler)
        images = torch.cat([images for images, _ in got])
        assert torch.equal(images, make_set().images[list(sampler)].float())
        orders.append(tuple(sampler))
    assert len(set(orders)) == 3


def test_sampler_drop_last():
    """Does drop_last count the images that the sampler gives, not those of the set?"""
    batches = sampled(batch_size=25, drop_last=True)
    assert [len(labels) for _, labels in batches] == [25]
    with pytest.raises(ValueError, match="batch_size is 37, but set has 36 images"):
        sampled(batch_size=37, drop_last=True)


@pytest.mark.parametrize("state", [{"epoch": 1, "batch": 4, "seed": 9}, {"epoch": 1, "batch": 0}])
def test_bad_state(state):
    """Does a foreign state leave the position as it was?"""
    batches = make_batches()
    with pytest.raises(ValueError, match="The state is"):
        batches.load_state_dict(state)
    assert batches.state_dict() == {"epoch": 0, "batch": 0, "seed": 5}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_devices_agree():
    """Are batches that are made on the GPU bit-equal to those of the CPU?"""
    gpu = [(x.cpu(), y.cpu()) for x, y in make_batches(device="cuda")]
    assert same(gpu, epoch(make_batches()))
