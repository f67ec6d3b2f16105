"""What holds for every set of labels, however unequal its classes are."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.data.device_loader import Augment, DeviceLoader
from course_utils.data.image_dataset import ImageDataset
from course_utils.imbalance.imbalance import class_weights, correct_prior, step_imbalance
from course_utils.imbalance.sampling import (
    OversamplingSampler,
    oversample_indices,
    undersample_indices,
)

LABELS = st.lists(st.integers(-2, 5), min_size=1, max_size=60)
SEEDS = st.integers(0, 2**40)
EPOCHS = st.integers(0, 1000)


def counts_of(values):
    """Return the count of each value, in the order of the values."""
    return torch.as_tensor(values).unique(return_counts=True)[1]


@given(LABELS, SEEDS, EPOCHS)
def test_oversampling_is_exact(labels, seed, epoch):
    """Is every class exactly as often as the largest, every sample kept, none two copies ahead?"""
    indices = oversample_indices(labels, seed=seed, epoch=epoch)
    chosen = torch.tensor(labels)[indices]
    assert set(counts_of(chosen).tolist()) == {int(counts_of(labels).max())}
    copies = indices.bincount(minlength=len(labels))
    assert len(copies) == len(labels) and copies.min() >= 1
    for label in set(labels):
        own = copies[torch.tensor(labels) == label]
        assert own.max() - own.min() <= 1


@given(LABELS, SEEDS, EPOCHS)
def test_undersampling_is_exact(labels, seed, epoch):
    """Is every class exactly as often as the smallest, and no sample there twice?"""
    indices = undersample_indices(labels, seed=seed, epoch=epoch)
    chosen = torch.tensor(labels)[indices]
    assert chosen.unique().tolist() == sorted(set(labels))
    assert set(counts_of(chosen).tolist()) == {int(counts_of(labels).min())}
    assert len(indices.unique()) == len(indices)


@given(LABELS, SEEDS, EPOCHS)
def test_a_seed_fixes_the_draw(labels, seed, epoch):
    """Is the same seed the same draw, whatever the classes are called, and no generator moved?"""
    state = torch.get_rng_state()
    renamed = [10 * label + 3 for label in labels]
    for function in (oversample_indices, undersample_indices):
        draw = function(labels, seed=seed, epoch=epoch)
        assert torch.equal(draw, function(renamed, seed=seed, epoch=epoch))
    assert torch.equal(torch.get_rng_state(), state)


@given(LABELS, SEEDS, st.integers(1, 9), EPOCHS)
def test_ranks_share_an_epoch(labels, seed, world_size, epoch):
    """Do the ranks give the epoch of one together, nothing lost or twice, in equal parts?"""
    parts = []
    for rank in range(world_size):
        sampler = OversamplingSampler(labels, seed=seed, rank=rank, world_size=world_size)
        sampler.set_epoch(epoch)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler)
    whole = oversample_indices(labels, seed=seed, epoch=epoch).tolist()
    assert sorted(sum(parts, [])) == sorted(whole)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=20))
def test_weights_make_classes_equal(counts):
    """Has each class the same weight in all, and do the weights average to 1 over the samples?"""
    counts = torch.tensor(counts)
    totals = class_weights(counts).double() * counts
    torch.testing.assert_close(totals, totals.mean().expand(len(counts)), rtol=1e-5, atol=0)
    torch.testing.assert_close(totals.sum(), counts.sum().double(), rtol=1e-5, atol=0)


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=8), st.integers(0, 2**20), SEEDS)
def test_prior_correction(counts, factor, seed):
    """Do only the proportions of the classes matter, and does it undo a prior put in?"""
    counts = torch.tensor(counts, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(5, len(counts), generator=generator, dtype=torch.float64)
    corrected = correct_prior(logits, counts)
    torch.testing.assert_close(corrected, correct_prior(logits, counts * (factor + 1)))
    back = correct_prior(logits + (counts / counts.sum()).log(), counts)
    torch.testing.assert_close(back, logits)


@given(st.integers(1, 12), st.integers(1, 12), st.sets(st.integers(0, 3)), SEEDS)
def test_step_imbalance(smallest, largest, minority, seed):
    """Has each class the size that was asked for, with its own images, the order kept?"""
    classes, each = 4, 12
    images = torch.arange(classes * each, dtype=torch.uint8).view(-1, 1, 1, 1)
    labels = torch.arange(classes).repeat(each)
    whole = ImageDataset(images, labels, tuple("abcd"), (0.0,), (1.0,), name="a test's")
    few = {"smallest": smallest, "minority": list(minority)}
    part = step_imbalance(whole, largest=largest, **few, seed=seed)
    sizes = part.labels.bincount(minlength=classes).tolist()
    assert sizes == [smallest if label in minority else largest for label in range(classes)]
    numbers = part.images.flatten()
    assert (numbers.diff() > 0).all()
    assert torch.equal(labels[numbers.long()], part.labels)


@given(LABELS, st.integers(1, 20), st.data())
def test_batches_resume_anywhere(labels, batch_size, data):
    """Do batches that are resumed after any batch go on as if nothing had been?"""
    images = torch.arange(9 * len(labels)).view(-1, 1, 3, 3).byte()
    labels = torch.tensor(labels) + 2
    kind = data.draw(st.sampled_from(["plain", "shuffle", "oversample"]))

    def batches(seed=3):
        return DeviceLoader(
            ImageDataset(images, labels, tuple("abcdefgh"), (0.5,), (0.5,), name="a test's"),
            batch_size=batch_size,
            shuffle=kind == "shuffle",
            sampler=OversamplingSampler(labels) if kind == "oversample" else None,
            augment=None if kind == "plain" else Augment(pad=1),
            seed=seed,
        )

    first = batches()
    done = data.draw(st.integers(0, len(first) - 1))
    stream = iter(first)
    for _ in range(done):
        next(stream)
    resumed, state = batches(seed=9), first.state_dict()
    assert state == {"epoch": 0, "batch": done, "seed": 3}
    resumed.load_state_dict(state)
    rest, again = list(stream) + list(first), list(resumed) + list(resumed)
    assert len(rest) == len(again) == 2 * len(first) - done
    for one, other in zip(rest, again, strict=True):
        assert all(map(torch.equal, one, other))
