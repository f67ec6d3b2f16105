"""Bad inputs of image sets, their splits, imbalance and sampling."""

import math

import numpy as np
import torch

from course_utils.data.image_dataset import (
    ImageDataset,
    pool_images,
    split_images,
)
from course_utils.data.splits import group_by_ground, split_by_group
from course_utils.imbalance.imbalance import (
    class_weights,
    correct_prior,
    step_imbalance,
)
from course_utils.imbalance.sampling import (
    OversamplingSampler,
    oversample_indices,
    undersample_indices,
)

NAMES = ("a", "b")
IMAGES, LABELS = torch.zeros(8, 1, 4, 6, dtype=torch.uint8), torch.arange(8) % 2


def dataset(images=IMAGES, labels=LABELS, names=NAMES, mean=(0.5,), std=(0.3,)):
    return ImageDataset(images, labels, names, mean, std, "set")


def set_with(**parts):
    return lambda _: dataset(**parts)


def subset(indices):
    return lambda subset: subset(dataset(), indices)


def step(**settings):
    usual = {"largest": 3, "smallest": 1, "minority": [0], "seed": 0}
    return lambda draw: draw(dataset(), **usual | settings)


def sample(labels, **settings):
    return lambda draw: draw(labels, **settings)


ROWS = {
    "images as floats": (
        ImageDataset, set_with(images=IMAGES.float()), ValueError, "float32", "uint8",
    ),
    "images without channels": (
        ImageDataset, set_with(images=IMAGES[:, 0]), ValueError, "set: ", "(8, 4, 6)",
    ),
    "images None": (ImageDataset, set_with(images=None), TypeError, "images is None", "Tensor"),
    "labels as a list": (
        ImageDataset, set_with(labels=[0, 1] * 4), TypeError, "labels is of type list",
    ),
    "labels as floats": (
        ImageDataset, set_with(labels=LABELS.float()), ValueError, "float32", "int64",
    ),
    "labels too few": (ImageDataset, set_with(labels=LABELS[:7]), ValueError, "(7,)", "(8,)"),
    "label without a class": (
        ImageDataset, set_with(labels=LABELS + 1), ValueError, "1 to 2", "0 to 1",
    ),
    "label below 0": (ImageDataset, set_with(labels=LABELS - 1), ValueError, "-1 to 0", "0 to 1"),
    "empty set": (
        ImageDataset, set_with(images=IMAGES[:0], labels=LABELS[:0]), ValueError, "is empty",
    ),
    "images without pixels": (
        ImageDataset, set_with(images=IMAGES[:, :, :0]), ValueError, "is empty", "one pixel",
    ),
    "labels on another device": (
        ImageDataset, set_with(labels=LABELS.to("meta")), ValueError, "on cpu", "on meta",
    ),
    "two means for one channel": (
        ImageDataset, set_with(mean=(0.5, 0.5)), ValueError, "(0.5, 0.5)", "1 finite",
    ),
    "mean NaN": (ImageDataset, set_with(mean=(math.nan,)), ValueError, "(nan,)", "finite"),
    "standard deviation of 0": (
        ImageDataset, set_with(std=(0.0,)), ValueError, "(0.0,)", "positive",
    ),
    "mean as a text": (ImageDataset, set_with(mean=("0.5",)), ValueError, "('0.5',)", "finite"),
    "item beyond the set": (
        ImageDataset, lambda _: dataset()[8], IndexError, "no image 8", "has 8",
    ),
    "items by a slice": (
        ImageDataset, lambda _: dataset()[:2], TypeError, "of type slice", "subset()",
    ),
    "no indices": (ImageDataset.subset, subset([]), ValueError, "no indices", "at least one"),
    "index outside": (ImageDataset.subset, subset([0, 8]), ValueError, "from 0 to 8", "8 images"),
    "index below 0": (ImageDataset.subset, subset([-1]), ValueError, "from -1 to -1", "0 to 7"),
    "indices as floats": (ImageDataset.subset, subset([0.5]), ValueError, "float32", "integers"),
    "indices as half floats": (
        ImageDataset.subset, subset(torch.ones(2).half()), ValueError, "float16", "integers",
    ),
    "mask for indices": (
        ImageDataset.subset, subset(LABELS > 0), ValueError, "torch.bool", "nonzero()",
    ),
    "indices as texts": (
        ImageDataset.subset, subset(["a"]), ValueError, "are of type list", "integers",
    ),
    "factor of 0": (pool_images, lambda pool: pool(dataset(), 0), ValueError, "factor is 0"),
    "factor as a float": (pool_images, lambda pool: pool(dataset(), 2.0), ValueError, "is 2.0"),
    "factor that does not divide": (
        pool_images, lambda pool: pool(dataset(), 4), ValueError, "factor is 4", "4 x 6",
    ),
    "parts larger than the set": (
        split_images, lambda split: split(dataset(), (6, 3), 0), ValueError, "9", "8 images",
    ),
    "part of 0": (split_images, lambda split: split(dataset(), (0,), 0), ValueError, "is 0"),
    "part as a fraction": (
        split_images, lambda split: split(dataset(), (0.5,), 0), ValueError, "0.5",
    ),
    "parts as a number": (
        split_images, lambda split: split(dataset(), 4, 0), TypeError, "sizes is 4", "Sequence",
    ),
    "seed of a split None": (
        split_images, lambda split: split(dataset(), (2,), None), ValueError, "seed is None",
    ),
    "split of one group": (
        split_by_group, lambda split: split(["x", "y"], len, 0.5, 0), ValueError, "2 names", "two",
    ),
    "split of no names": (
        split_by_group, lambda split: split([], len, 0.5, 0), ValueError, "0 names",
    ),
    "fraction of 1": (
        split_by_group, lambda split: split(["x"], len, 1, 0), ValueError, "fraction is 1", "below",
    ),
    "fraction of 0": (
        split_by_group, lambda split: split(["x"], len, 0, 0), ValueError, "fraction is 0", "above",
    ),
    "blocks of too few pixels": (
        group_by_ground, lambda group: group([], block=4), ValueError, "block is 4", "at least 8",
    ),
    "fraction as a percentage": (
        split_by_group, lambda split: split(["x"], len, "30 %", 0),
        ValueError, "fraction is '30 %'",
    ),
    "class without a sample": (
        class_weights, lambda weights: weights(torch.tensor([3, 0])),
        ValueError, "[1]", "[0] samples",
    ),
    "count below 0": (
        class_weights, lambda weights: weights(torch.tensor([3, -1])),
        ValueError, "-1", "at least 1",
    ),
    "count NaN": (
        class_weights, lambda weights: weights(torch.tensor([3, math.nan])), ValueError, "nan",
    ),
    "counts in two dimensions": (
        class_weights, lambda weights: weights(torch.ones(2, 2)),
        ValueError, "(2, 2)", "(classes,)",
    ),
    "counts by class in a dict": (
        class_weights, lambda weights: weights({0: 3, 1: 2}), ValueError, "of type dict", "of each",
    ),
    "no counts": (class_weights, lambda weights: weights(torch.ones(0)), ValueError, "(0,)"),
    "minority without a class": (step_imbalance, step(minority=[2]), ValueError, "[2]", "0 to 1"),
    "more than there are": (step_imbalance, step(largest=5), ValueError, "5 images", "set has 4"),
    "none of the minority": (
        step_imbalance, step(smallest=0), ValueError, "0 images", "at least 1",
    ),
    "half an image": (step_imbalance, step(smallest=1.5), ValueError, "smallest is 1.5", "integer"),
    "size as a text": (step_imbalance, step(largest="3"), ValueError, "largest is '3'", "integer"),
    "no labels": (oversample_indices, sample([]), ValueError, "no labels", "at least one"),
    "labels as floats to sample": (
        oversample_indices, sample([0.0, 1.0]), ValueError, "float32", "the class of each sample.",
    ),
    "labels of a sampler as floats": (
        OversamplingSampler, sample([0.0]),
        ValueError, "The labels have", "the class of each sample.",
    ),
    "seed of a sampler as a bool": (
        OversamplingSampler, sample([0, 1], seed=True), ValueError, "seed is True",
    ),
    "half a rank": (OversamplingSampler, sample([0, 1], rank=0.5), ValueError, "rank is 0.5"),
    "labels one-hot": (oversample_indices, sample(torch.eye(3).long()), ValueError, "(3, 3)"),
    "labels as texts": (
        oversample_indices, sample(["cat"]), ValueError, "of type list", "integers",
    ),
    "labels None": (oversample_indices, sample(None), ValueError, "labels are None", "integers"),
    "seed as a float": (oversample_indices, sample([0, 1], seed=1.0), ValueError, "seed is 1.0"),
    "epoch below 0": (undersample_indices, sample([0, 1], epoch=-1), ValueError, "epoch is -1"),
    "no labels to leave out": (undersample_indices, sample(np.array([])), ValueError, "no labels"),
    "rank outside": (
        OversamplingSampler, sample([0, 1], rank=2, world_size=2),
        ValueError, "world_size is 2", "3",
    ),
    "world of no rank": (
        OversamplingSampler, sample([0, 1], world_size=0), ValueError, "world_size is 0", "1",
    ),
    "epoch as a text": (
        OversamplingSampler.set_epoch, lambda at: at(OversamplingSampler([0, 1]), "1"),
        ValueError, "epoch is '1'",
    ),
    "prior of a class without sample": (
        correct_prior, lambda correct: correct(torch.zeros(2, 2), [3, 0]), ValueError, "[1]",
    ),
    "prior NaN": (
        correct_prior, lambda correct: correct(torch.zeros(2, 2), [3, math.nan]), ValueError, "[1]",
    ),
    "prior infinite": (
        correct_prior, lambda correct: correct(torch.zeros(2, 2), [3, math.inf]), ValueError, "[1]",
    ),
    "prior of other classes": (
        correct_prior, lambda correct: correct(torch.zeros(2, 2), [3]),
        ValueError, "(2, 2)", "(1,)",
    ),
    "logits as integers": (
        correct_prior, lambda correct: correct(torch.zeros(2, 2).long(), [3, 1]),
        ValueError, "int64",
    ),
}  # fmt: skip
