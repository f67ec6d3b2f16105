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


def test_which_images_get_the_copies():
    """Does each epoch, and each seed, choose other images of a class, all equally often?"""
    assert oversample_indices(LABELS).dtype == torch.int64
    draws = [copies(oversample_indices(LABELS, epoch=epoch))[10:14] for epoch in range(300)]
    assert len(set(map(tuple, draws))) == 6
    # two of four get a third copy: 2.5 on average, within five standard deviations
    assert np.abs(np.mean(draws, axis=0) - 2.5).max() < 5 * 0.5 / 300**0.5
    seeds = {tuple(copies(oversample_indices(LABELS, seed=seed))[10:14]) for seed in range(50)}
    assert len(seeds) == 6


def test_defaults():
    """Is the draw that of seed 0 at epoch 0 where neither is given?"""
    for function in (oversample_indices, undersample_indices):
        assert torch.equal(function(LABELS), function(LABELS, seed=0, epoch=0))
    assert list(OversamplingSampler(LABELS)) == oversample_indices(LABELS).tolist()


def test_order_is_mixed():
    """Do the classes come mixed, and not one after the other?"""
    labels = LABELS[oversample_indices(LABELS)]
    assert (labels[1:] != labels[:-1]).sum() > 5


def test_undersampling():
    """Does each epoch draw other samples of the larger classes, until all have come?"""
    labels = LABELS[:14]
    kept = [undersample_indices(labels, seed=3, epoch=epoch) for epoch in range(50)]
    assert {len(indices) for indices in kept} == {8}
    assert torch.cat(kept).unique().tolist() == list(range(14))


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor, lambda x: torch.tensor(x).byte()])
def test_kinds_of_labels(kind):
    """Do a list, an array and tensors of several types give the same indices?"""
    expected = oversample_indices(LABELS, seed=5)
    assert torch.equal(oversample_indices(kind(LABELS.tolist()), seed=5), expected)


def test_seeds_and_epochs():
    """Do seed 1 at epoch 0 and seed 0 at epoch 1 draw different orders?"""
    for function in (oversample_indices, undersample_indices):
        runs = {tuple(function(LABELS, seed=s, epoch=e).tolist()) for s in (0, 1) for e in (0, 1)}
        assert len(runs) == 4


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
