"""Metrics that look at each class by itself, for sets in which plain accuracy misleads."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from course_utils._validate import check_span, check_type, check_whole
from course_utils.training.preserve_state import eval_mode


@torch.no_grad()
def collect_logits(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """Return a model's outputs over a set, in evaluation mode, and the labels beside them.

    Args:
        model: maps inputs to logits (n, classes); its modes stay as they are.
        batches: yields (inputs, labels), on any device.

    Returns:
        Logits, float32 (n, classes), and labels, (n,), both on the CPU.

    Raises:
        ValueError: the batches are empty.
    """
    device = next(model.parameters()).device
    logits, labels = [], []
    with eval_mode(model):
        for inputs, targets in batches:
            logits.append(model(inputs.to(device)).float())
            labels.append(targets)
    if not labels:
        raise ValueError("The batches to predict on are empty: give at least one.")
    return torch.cat(logits).cpu(), torch.cat(labels).cpu()


def confusion_matrix(predictions: Tensor, labels: Tensor, *, classes: int | None = None) -> Tensor:
    """Count how often each true class was given each predicted class.

    Args:
        predictions: logits, floating point (n, classes), whose largest is the prediction; or
            predicted classes, integers (n,).
        labels: true classes, integers (n,), from 0.
        classes: the number of classes; needed for predicted classes, known from logits.

    Returns:
        int64 (classes, classes): row = true class, column = predicted class.

    Raises:
        TypeError: predictions or labels are no tensor.
        ValueError: the shapes or types do not fit, there is no sample, or a class is outside.
    """
    check_type("predictions", predictions, Tensor)
    check_type("labels", labels, Tensor)
    if predictions.ndim == 2 and predictions.is_floating_point():
        if classes not in (None, predictions.shape[1]):
            raise ValueError(
                f"classes is {classes}, but the logits have {predictions.shape[1]} columns: "
                "leave classes out."
            )
        classes = predictions.shape[1]
        if predictions.isnan().any():
            raise ValueError("Some logits are NaN: the model has diverged, train it again.")
        predictions = predictions.argmax(1)
    if classes is None:
        raise ValueError("The number of classes is unknown: give classes, or logits (n, classes).")
    check_whole("classes", classes, 1)
    fits = predictions.ndim == labels.ndim == 1 and len(predictions) == len(labels) > 0
    if not fits or predictions.is_floating_point() or labels.is_floating_point():
        raise ValueError(
            f"The predictions are {predictions.dtype} {tuple(predictions.shape)} and the labels "
            f"{labels.dtype} {tuple(labels.shape)}, but must be logits (n, classes) or classes "
            "(n,), and integers (n,), with n of 1 or more."
        )
    labels, predictions = labels.cpu().long(), predictions.cpu().long()
    for name, values in (("labels", labels), ("predictions", predictions)):
        check_span(f"The {name}", values, classes, "give the number of all classes")
    return (labels * classes + predictions).bincount(minlength=classes**2).view(classes, classes)


def class_recalls(matrix: Tensor) -> Tensor:
    """Return the recall of each class: which share of its samples was recognised.

    Args:
        matrix: from `confusion_matrix`.

    Returns:
        float64 (classes,), from 0 to 1.

    Raises:
        ValueError: a class has no sample, so that it has no recall; or the matrix is not square.
    """
    if matrix.ndim != 2 or len(matrix) != matrix.shape[1]:
        raise ValueError(f"The matrix is of shape {tuple(matrix.shape)}, but must be square.")
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
        classes: the number of classes; needed for predicted classes, known from logits.

    Raises:
        TypeError: as `confusion_matrix`.
        ValueError: as `confusion_matrix` and `class_recalls`.
    """
    return float(class_recalls(confusion_matrix(predictions, labels, classes=classes)).mean())
