import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils.data.image_dataset import ImageDataset
from course_utils.imbalance.class_metrics import confusion_matrix
from course_utils.imbalance.imbalance import (
    class_counts,
    class_weights,
    correct_prior,
    step_imbalance,
)
from course_utils.imbalance.sampling import OversamplingSampler, oversample_indices


def make_set(each=20, classes=4):
    """Build a balanced set in which each image is its own position, as a byte."""
    n = each * classes
    images = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1)
    names = tuple("abcdefgh"[:classes])
    return ImageDataset(images, torch.arange(n) % classes, names, (0.5,), (1.0,), "set")


def positions(images):
    return images.images.flatten().tolist()


def test_step():
    """Do the minority classes keep few images and the others many, each with its own label?"""
    images = make_set()
    few = step_imbalance(images, largest=15, smallest=3, minority=(1, 3), seed=0)
    assert class_counts(few).tolist() == [15, 3, 15, 3]
    assert len(set(positions(few))) == len(few) == 36
    assert [p % 4 for p in positions(few)] == few.labels.tolist()


def test_seeded():
    """Does a seed give the same images, another one others, with the global generator unmoved?"""
    state = torch.get_rng_state()
    first, same, other = (
        positions(step_imbalance(make_set(), largest=9, smallest=3, minority=[0], seed=seed))
        for seed in (0, 0, 1)
    )
    assert first == same != other
    assert torch.equal(torch.get_rng_state(), state)


def test_every_image_can_be_drawn():
    """Over many seeds, is each image drawn sometimes?"""
    drawn = set()
    for seed in range(60):
        few = step_imbalance(make_set(), largest=2, smallest=2, minority=[0], seed=seed)
        drawn |= set(positions(few))
    assert drawn == set(range(80))


def test_counts_include_empty_classes():
    """Is a class without an image counted as zero?"""
    images = make_set().subset([0, 4, 2])
    assert class_counts(images).tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_weights(kind):
    """Are counts of any kind turned into weights inverse to them, as cross-entropy takes them?"""
    weights = class_weights(kind([100, 20, 5]))
    torch.testing.assert_close(weights, 125 / 3 / torch.tensor([100.0, 20, 5]))
    F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 2]), weight=weights)


def test_value():
    """Is the log of each class's fraction subtracted, whatever the counts' scale and kind?"""
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    fractions = torch.tensor([0.7, 0.2, 0.1])
    expected = logits - fractions.log()
    for counts in (fractions, fractions * 1000, torch.tensor([7, 2, 1]), [70, 20, 10]):
        torch.testing.assert_close(correct_prior(logits, counts), expected)
    assert logits[1].tolist() == [0, 0, 0]


def test_it_is_the_best_rule_of_a_known_problem():
    """Does it turn the true posterior of a skewed problem into that of the balanced one?"""
    likelihood = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]]).T  # p(image | class)
    counts = torch.tensor([90, 10])
    joint = likelihood * counts / counts.sum()
    posterior = joint / joint.sum(1, keepdim=True)
    balanced = likelihood / likelihood.sum(1, keepdim=True)
    torch.testing.assert_close(correct_prior(posterior.log(), counts).softmax(1), balanced)
    assert posterior.argmax(1).tolist() == [0, 0, 0]
    assert correct_prior(posterior.log(), counts).argmax(1).tolist() == [0, 1, 1]


def test_type_is_kept():
    """Do half-precision logits stay in half precision, and the logits given stay as they were?"""
    logits = torch.zeros(2, 2, dtype=torch.float16)
    assert correct_prior(logits, [9, 1]).dtype == torch.float16
    assert logits.abs().max() == 0


class Series:
    """What pandas gives: values under an index of their own, and no sequence by position."""

    def __init__(self, values):
        self.values, self.index = np.array(values), [f"row {i}" for i in range(len(values))][::-1]

    def __len__(self):
        return len(self.values)

    def __getitem__(self, label):
        return self.values[self.index.index(label)]

    def to_numpy(self):
        return self.values


FORMS = {
    "list": list,
    "array": np.array,
    "array backwards": lambda values: np.array(values[::-1])[::-1],
    "array of uint16": lambda values: np.array(values, np.uint16),
    "tensor of uint16": lambda values: torch.tensor(values, dtype=torch.uint16),
    "numbers of NumPy": lambda values: list(map(np.int64, values)),
    "series": Series,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_forms_of_labels_and_counts(form):
    """Do labels and counts mean the same in each form in which people hold them?"""
    labels, counts = [0, 0, 1, 0, 1, 2], [3, 2, 1]
    assert torch.equal(class_weights(form(counts)), class_weights(torch.tensor(counts)))
    logits = torch.zeros(1, 3)
    assert torch.equal(correct_prior(logits, form(counts)), correct_prior(logits, counts))
    wanted = oversample_indices(labels).tolist()
    assert oversample_indices(form(labels)).tolist() == wanted
    assert list(OversamplingSampler(form(labels))) == wanted
    matrix = confusion_matrix(form(labels), form(labels), classes=3)
    assert matrix.diagonal().tolist() == counts
    assert positions(make_set().subset(form(labels))) == labels


def test_numbers_of_numpy():
    """Are sizes, classes and seeds of NumPy's integers those of Python's?"""
    numpy, python = (
        step_imbalance(
            make_set(), largest=kind(9), smallest=kind(3), minority=[kind(1)], seed=kind(5)
        )
        for kind in (np.int64, int)
    )
    assert positions(numpy) == positions(python)
