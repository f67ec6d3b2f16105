"""How lesson 09 measures a detector: at equal recall, with a threshold from validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import nn

from course_utils.detection import (
    PrecisionRecallCurve,
    airbus_score,
    average_precision,
    detect,
    false_positives_per_empty_image,
    precision_recall,
    threshold_at_recall,
)
from course_utils.detection.metrics import Pairs
from course_utils.lessons.data_09 import ShipData

RECALL = 0.9  # at which detectors are compared
IOU = 0.3  # of a match: a ship of 10 x 3 pixels that is found one pixel beside has less than .5


@dataclass(frozen=True)
class Measures:
    """How good a detector is on test images, at a threshold; each measure is computed when asked.

    Args:
        test: what the detector found in each test image, and the ships in it.
        threshold: detections count from this score on.
    """

    test: Pairs
    threshold: float

    @cached_property
    def false_positives(self) -> float:
        """Detections an image without ships."""
        return false_positives_per_empty_image(self.test, self.threshold)

    @cached_property
    def curve(self) -> PrecisionRecallCurve:
        """Precision and recall at all thresholds."""
        return precision_recall(self.test, iou_threshold=IOU)

    @property
    def recall(self) -> float:
        """Share of the ships that are found."""
        counted = self.curve.thresholds >= self.threshold
        return float(self.curve.recall[counted][-1]) if counted.any() else 0.0

    @cached_property
    def average_precision(self) -> float:
        """Over all thresholds, 0 to 1."""
        return average_precision(self.test, iou_threshold=IOU)

    @cached_property
    def f2(self) -> float:
        """Airbus' own score, on boxes, 0 to 1."""
        return airbus_score([(found.above(self.threshold), boxes) for found, boxes in self.test])


def measure(model: nn.Module, data: ShipData, *, recall: float = RECALL) -> Measures:
    """Choose the threshold for a recall on validation images, and measure on test images.

    For a detector that never reaches the recall, the lowest threshold counts that finds its most;
    where it finds no ship at all, everything counts.
    """
    valid, test = (_pairs(model, part) for part in (data.valid, data.test))
    chosen = precision_recall(valid, iou_threshold=IOU)
    reached = float(chosen.recall.max()) if len(chosen.recall) else 0.0
    threshold = threshold_at_recall(chosen, min(recall, reached)) if reached else 0.0
    return Measures(test, threshold)


def _pairs(model: nn.Module, scenes: Sequence) -> Pairs:
    return [(found, scene.boxes) for scene, found in detect(model, scenes)]
