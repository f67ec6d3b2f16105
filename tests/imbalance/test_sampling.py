import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from course_utils.imbalance.sampling import (
    OversamplingSampler,
    oversample_indices,
    undersample_indices,
)

LABELS = torch.tensor([2] * 10 + [0] * 4 + [7] * 1)  # positions 0-9, 10-13, 14; class 1 is absent


def copies(indices, size=15):
    """Count how often each position comes."""
    return torch.as_tensor(indices).bincount(minlength=size).tolist()


@pytest.mark.parametrize("epoch", range(3))
def test_oversampling(epoch):
    """Is every class as often as the largest, no sample left out, and the copies spread evenly?"""
    indices = oversample_indices(LABELS, seed=1, epoch=epoch)
    assert indices.dtype == torch.int64
    assert LABELS[indices].bincount().tolist() == [10, 0, 10, 0, 0, 0, 0, 10]
    counts = copies(indices)
    assert counts[:10] == [1] * 10
    assert sorted(counts[10:14]) == [2, 2, 3, 3]
    assert counts[14] == 10


def test_which_images_get_the_copies():
    """Does each epoch, and each seed, choose other images of a class, all equally often?"""
    draws = [copies(oversample_indices(LABELS, epoch=epoch))[10:14] for epoch in range(300)]
    assert len(set(map(tuple, draws))) == 6
    # two of four get a third copy: 2.5 on average, within five standard deviations
    assert np.abs(np.mean(draws, axis=0) - 2.5).max() < 5 * 0.5 / 300**0.5
    seeds = {tuple(copies(oversample_indices(LABELS, seed=seed))[10:14]) for seed in range(50)}
    assert len(seeds) == 6


@pytest.mark.parametrize("function", [oversample_indices, undersample_indices])
def test_repeatable(function):
    """Does a seed and epoch give the same order each time, and leave the global generator alone?"""
    state = torch.get_rng_state()
    runs = [function(LABELS, seed=s, epoch=e).tolist() for s in (0, 1) for e in (0, 1)]
    again = [function(LABELS, seed=s, epoch=e).tolist() for s in (0, 1) for e in (0, 1)]
    assert runs == again
    assert len(set(map(tuple, runs))) == 4
    assert torch.equal(torch.get_rng_state(), state)


def test_defaults():
    """Is the draw that of seed 0 at epoch 0 where neither is given?"""
    for function in (oversample_indices, undersample_indices):
        assert torch.equal(function(LABELS), function(LABELS, seed=0, epoch=0))
    assert list(OversamplingSampler(LABELS)) == oversample_indices(LABELS).tolist()


def test_order_is_mixed():
    """Do the classes come mixed, and not one after the other?"""
    labels = LABELS[oversample_indices(LABELS)]
    assert (labels[1:] != labels[:-1]).sum() > 5


def test_balanced_labels():
    """Is a balanced set left as it is, but for the order?"""
    labels = [0, 1] * 20
    for function in (oversample_indices, undersample_indices):
        assert copies(function(labels), 40) == [1] * 40


def test_undersampling():
    """Is every class as often as the smallest, nothing twice, and does an epoch draw anew?"""
    labels = LABELS[:14]
    kept = [undersample_indices(labels, seed=3, epoch=epoch) for epoch in range(50)]
    for indices in kept:
        assert labels[indices].bincount().tolist() == [4, 0, 4]
        assert max(copies(indices)) == 1
    assert torch.cat(kept).unique().tolist() == list(range(14))


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor, lambda x: torch.tensor(x).byte()])
def test_kinds_of_labels(kind):
    """Do a list, an array and tensors of several types give the same indices?"""
    expected = oversample_indices(LABELS, seed=5)
    assert torch.equal(oversample_indices(kind(LABELS.tolist()), seed=5), expected)


@pytest.mark.parametrize("world_size", [1, 2, 4, 7])
def test_ranks(world_size):
    """Do all ranks together give exactly the epoch of one, in parts that differ by one at most?"""
    ranks = [
        OversamplingSampler(LABELS, seed=2, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    for epoch in (0, 3):
        parts = []
        for sampler in ranks:
            sampler.set_epoch(epoch)
            parts.append(list(sampler))
        whole = oversample_indices(LABELS, seed=2, epoch=epoch)
        assert copies(sum(parts, [])) == copies(whole)
        assert [len(part) for part in parts] == [len(sampler) for sampler in ranks]
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert sum(map(len, ranks)) == 30


def test_sampler_in_a_data_loader():
    """Does a DataLoader take the sampler, and give every image, the classes equal?"""
    sampler = OversamplingSampler(LABELS)
    loader = DataLoader(TensorDataset(torch.arange(15), LABELS), batch_size=4, sampler=sampler)
    assert len(loader) == 8
    epochs = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        positions, labels = map(torch.cat, zip(*loader, strict=True))
        assert set(positions.tolist()) == set(range(15))
        assert labels.bincount()[[0, 2, 7]].tolist() == [10, 10, 10]
        epochs.append(positions.tolist())
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize(
    "labels, words",
    [
        ([], "There are no labels: give at least one"),
        (torch.tensor([], dtype=torch.int64), "There are no labels"),
        ([0.0, 1.0], "type torch.float32 and shape \\(2,\\), but must be integers"),
        ([[0, 1], [1, 0]], "shape \\(2, 2\\), but must be integers in one dimension"),
    ],
)
@pytest.mark.parametrize("function", [oversample_indices, undersample_indices, OversamplingSampler])
def test_bad_labels(function, labels, words):
    """Do labels of another form, or none, raise a sentence that says what was given?"""
    with pytest.raises(ValueError, match=words):
        function(labels)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"seed": -1}, "seed is -1, but must be an integer of at least 0"),
        ({"seed": True}, "seed is True"),
        ({"rank": 0.5}, "rank is 0.5"),
        (
            {"rank": 2, "world_size": 2},
            "world_size is 2, but must be an integer of at least 3",
        ),
        ({"world_size": 0}, "world_size is 0, but must be an integer of at least 1"),
        ({"world_size": "2"}, "world_size is '2'"),
    ],
)
def test_bad_settings(settings, words):
    """Does a setting out of range raise a sentence that names it and what was given?"""
    with pytest.raises(ValueError, match=words):
        OversamplingSampler(LABELS, **settings)


def test_bad_epoch():
    """Does an epoch, or a seed, that is no integer from 0 raise a sentence?"""
    with pytest.raises(ValueError, match="epoch is -1"):
        OversamplingSampler(LABELS).set_epoch(-1)
    with pytest.raises(ValueError, match="epoch is 1.5"):
        oversample_indices(LABELS, epoch=1.5)
    with pytest.raises(ValueError, match="seed is -1"):
        undersample_indices(LABELS, seed=-1)
