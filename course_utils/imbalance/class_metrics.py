"""Metrics that look at each class by itself, for sets in which plain accuracy misleads."""

from __future__ import annotations

from torch import Tensor

from course_utils._validate import as_integers, check_span, check_whole
from course_utils.data.image_dataset import plain_values


def confusion_matrix(predictions: Tensor, labels: Tensor, *, classes: int | None = None) -> Tensor:
    """Count how often each true class was given each predicted class.

    Args:
        predictions: logits, floating point (n, classes), whose largest is the prediction; or
            predicted classes, integers (n,).
        labels: true classes, integers (n,), from 0.
        classes: how many there are where predicted classes are given; logits have a column each.

    Returns:
        int64 (classes, classes): row = true class, column = predicted class.

    Raises:
        ValueError: the shapes or types do not fit, there is no sample, or a class is outside.
    """
    if isinstance(predictions, Tensor) and predictions.ndim == 2:
        if predictions.isnan().any():
            raise ValueError("Some logits are NaN: the model has diverged, train it again.")
        classes, predictions = predictions.shape[1], predictions.argmax(1)
    check_whole("classes", classes, 1)
    predictions, labels = plain_values(predictions), plain_values(labels)
    predictions = as_integers("predictions", predictions, "the class of each, or logits").cpu()
    labels = as_integers("labels", labels, "the true class of each sample").cpu()
    if len(predictions) != len(labels):
        raise ValueError(
            f"There are {len(predictions)} predictions and {len(labels)} labels: give one a sample."
        )
    for name, values in (("labels", labels), ("predictions", predictions)):
        check_span(f"The {name}", values, classes, "give the number of all classes")
    labels, predictions = labels.long(), predictions.long()
    return (labels * classes + predictions).bincount(minlength=classes**2).view(classes, classes)


def class_recalls(matrix: Tensor) -> Tensor:
    """Return the recall of each class: the fraction of its samples that was recognised.

    Args:
        matrix: from `confusion_matrix`.

    Returns:
        float64 (classes,), from 0 to 1.

    Raises:
        ValueError: a class has no sample, so that it has no recall.
    """
    totals = matrix.sum(1)
    absent = (totals == 0).nonzero()[:, 0].tolist()
    if absent:
        raise ValueError(
            f"The classes {absent} have no sample among the labels, so they have no recall: "
            "measure on a set that holds every class."
        )
    return matrix.diagonal().double() / totals


def balanced_accuracy(predictions: Tensor, labels: Tensor, *, classes: int | None = None) -> float:
    """Return the mean of the classes' recalls, from 0 to 1; guessing gives 1 / classes.

    It is plain accuracy where all classes are equally frequent, and does not change when one of
    them becomes more frequent (Brodersen et al., "The balanced accuracy and its posterior
    distribution", 2010).

    Args:
        predictions: as in `confusion_matrix`.
        labels: true classes, integers (n,), from 0.
        classes: as in `confusion_matrix`.

    Raises:
        ValueError: as `confusion_matrix` and `class_recalls`.
    """
    return float(class_recalls(confusion_matrix(predictions, labels, classes=classes)).mean())
