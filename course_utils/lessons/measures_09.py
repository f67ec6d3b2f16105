"""How lesson 09 measures a detector: at equal recall, with a threshold from validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from course_utils.airbus_score import airbus_score
from course_utils.detection_metrics import (
    Pairs,
    PrecisionRecallCurve,
    average_precision,
    false_positives_per_empty_image,
    precision_recall,
    threshold_at_recall,
)
from course_utils.detector import detect
from course_utils.lessons.data_09 import ShipData

RECALL = 0.9  # at which detectors are compared
IOU = 0.3  # of a match: a ship of 10 x 3 pixels that is found one pixel beside has less than .5


@dataclass(frozen=True)
class Measures:
    """How good a detector is on test images, at the threshold that validation images chose.

    Attributes:
        false_positives: detections an image without ships.
        recall: share of the ships that are found.
        average_precision: over all thresholds, 0 to 1.
        f2: Airbus' own score, on boxes, 0 to 1.
        threshold: detections count from this score on.
        curve: precision and recall at all thresholds.
    """

    false_positives: float
    recall: float
    average_precision: float
    f2: float
    threshold: float
    curve: PrecisionRecallCurve


def measure(model: nn.Module, data: ShipData, *, recall: float = RECALL) -> Measures:
    """Choose the threshold for a recall on validation images, and measure on test images.

    For a detector that never reaches the recall, the lowest threshold counts that finds its most;
    where it finds no ship at all, everything counts.
    """
    valid, test = (_pairs(model, part) for part in (data.valid, data.test))
    chosen = precision_recall(valid, iou=IOU)
    reached = float(chosen.recall.max()) if len(chosen.recall) else 0.0
    threshold = threshold_at_recall(chosen, min(recall, reached)) if reached else 0.0
    kept = [(found.above(threshold), boxes) for found, boxes in test]
    curve = precision_recall(test, iou=IOU)
    counted = curve.thresholds >= threshold
    return Measures(
        false_positives=false_positives_per_empty_image(test, threshold),
        recall=float(curve.recall[counted][-1]) if counted.any() else 0.0,
        average_precision=average_precision(test, iou=IOU),
        f2=airbus_score(kept),
        threshold=threshold,
        curve=curve,
    )


def _pairs(model: nn.Module, scenes: Sequence) -> Pairs:
    return [(found, scene.boxes) for scene, found in detect(model, scenes)]
