from itertools import islice

import pytest
import torch
import torch.nn.functional as F

from course_utils.data.device_loader import Augment, DeviceLoader, move_pixels, source_pixels
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


@pytest.mark.parametrize("batch_size, count", [(4, 2), (5, 2), (10, 1)])
def test_drop_last(batch_size, count):
    """Does drop_last leave out a short batch, and only a short one?"""
    batches = DeviceLoader(make_set(10), batch_size=batch_size, drop_last=True)
    assert [len(labels) for _, labels in batches] == [batch_size] * count
    assert len(batches) == count
    assert batches.num_images == batch_size * count


def test_one_large_batch():
    """Is a batch size beyond the set one batch of all images?"""
    batches = DeviceLoader(make_set(10), batch_size=99)
    assert labels_of(batches) == [list(range(10))]
    assert (len(batches), batches.num_images) == (1, 10)


def test_normalisation():
    """Is each channel normalised with its own mean and standard deviation?"""
    data = make_set(6, shape=(3, 4, 4))
    mean, std = (0.1, 0.5, 0.9), (0.2, 0.3, 0.4)
    data = ImageDataset(data.images, data.labels, data.class_names, mean, std, "set")
    ((images, _),) = DeviceLoader(data, batch_size=6)
    column = torch.tensor([mean, std], dtype=torch.float64).view(2, 3, 1, 1)
    expected = (data.images.double() / 255 - column[0]) / column[1]
    torch.testing.assert_close(images.double(), expected, rtol=1e-6, atol=1e-6)


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


@pytest.mark.parametrize("stop", [0, 1, 3, 4, 5, 7])
def test_resume(stop):
    """Do other batches with a loaded state go on bit-equal, in the middle of an epoch as well?"""
    batches = make_batches()
    stream = [batch for _ in range(4) for batch in epoch(batches)]
    batches = make_batches()
    taken = 0
    while taken < stop:
        for _ in batches:
            taken += 1
            if taken == stop:
                state = batches.state_dict()
                break
    if stop == 0:
        state = batches.state_dict()
    assert state == {"epoch": stop // 4, "batch": stop % 4, "seed": 5}
    resumed = make_batches(seed=99)
    resumed.load_state_dict(state)
    got = epoch(resumed) + epoch(resumed)
    assert same(got, stream[stop:][: len(got)])
    assert len(got) == 8 - stop % 4


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


@pytest.mark.parametrize("stop", [2, 6, 8])
def test_resume_with_a_sampler(stop):
    """Do other batches with a loaded state go on bit-equal, with a sampler as well?"""
    batches = sampled()
    stream = [batch for _ in range(3) for batch in epoch(batches)]
    resumed = sampled()
    resumed.load_state_dict({"epoch": stop // 6, "batch": stop % 6, "seed": 5})
    got = epoch(resumed) + epoch(resumed)
    assert same(got, stream[stop:][: len(got)])


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"sampler": OversamplingSampler(SAMPLED)}, "OversamplingSampler with shuffle=True"),
        ({"shuffle": False, "sampler": [3, 1]}, "The sampler is a list .* set_epoch"),
        (
            {"shuffle": False, "sampler": OversamplingSampler(SAMPLED, world_size=2)},
            "The sampler gives one rank's part of 2: give one of the whole epoch",
        ),
    ],
)
def test_bad_sampler(changes, words):
    """Does a sampler beside shuffle, without epochs or of one rank's part raise a sentence?"""
    with pytest.raises(ValueError, match=words):
        make_batches(**changes)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"batch_size": 0}, "batch_size is 0, but must be an integer of at least 1"),
        ({"batch_size": 2.0}, "batch_size is 2.0"),
        ({"batch_size": True}, "batch_size is True"),
        ({"seed": -1}, "seed is -1, but must be an integer of at least 0"),
        ({"seed": None}, "seed is None"),
        ({"batch_size": 21, "drop_last": True}, "batch_size is 21, but set has 20 images"),
        ({"augment": Augment(pad=6)}, "pad is 6, .*at most 5: the images are 6 x 8"),
        ({"augment": Augment(pad=-1)}, "pad is -1, but must be an integer of at least 0"),
        ({"augment": Augment(pad=1.5)}, "pad is 1.5"),
    ],
)
def test_bad_setting(changes, words):
    """Does a setting out of range raise a sentence that names it, what was given and the range?"""
    with pytest.raises(ValueError, match=words):
        make_batches(**changes)


@pytest.mark.parametrize(
    "state, words",
    [
        ({"epoch": 1, "batch": 4, "seed": 0}, "at batch 4, but an epoch has 4 batches"),
        ({"epoch": -1, "batch": 0, "seed": 0}, "epoch is -1"),
        ({"epoch": 0, "batch": 0.5, "seed": 0}, "batch is 0.5"),
        ({"epoch": 0, "batch": 0}, "must be what DeviceLoader.state_dict"),
        (None, "must be what DeviceLoader.state_dict"),
    ],
)
def test_bad_state(state, words):
    """Does a foreign state raise a sentence, and leave the position as it was?"""
    batches = make_batches()
    with pytest.raises(ValueError, match=words):
        batches.load_state_dict(state)
    assert batches.state_dict() == {"epoch": 0, "batch": 0, "seed": 5}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_devices_agree():
    """Are batches that are made on the GPU bit-equal to those of the CPU?"""
    gpu = [(x.cpu(), y.cpu()) for x, y in make_batches(device="cuda")]
    assert same(gpu, epoch(make_batches()))


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("pad", [0, 1, 3])
def test_all_changes(flip, pad):
    """Does the table hold each shift of an image, and each mirrored, bit for bit and once?"""
    image = torch.randint(256, (3, 5, 7), dtype=torch.uint8)
    table = source_pixels(image.shape, Augment(flip=flip, pad=pad))
    changed = move_pixels(image.repeat(len(table), 1, 1, 1), table)
    expected = references(image, flip=flip, pad=pad)
    assert torch.equal(changed, torch.stack(expected).byte())


def test_each_image_its_own():
    """Does each image of a batch get the change of its own row?"""
    images = torch.randint(256, (2, 1, 4, 4), dtype=torch.uint8)
    table = source_pixels((1, 4, 4), Augment(flip=True, pad=0))
    changed = move_pixels(images, table)
    assert torch.equal(changed[0], images[0])
    assert torch.equal(changed[1], images[1].flip(-1))


def test_small_images():
    """Do images too small for the padding raise a sentence that says what is possible?"""
    with pytest.raises(ValueError, match="pad is 4, .* at most 3: the images are 4 x 9"):
        source_pixels((1, 4, 9), Augment(pad=4))
