"""How lesson 09 measures detectors: at equal recall on the test images.

Each is read off its own curve where it finds the same share of the same ships (a free-response ROC
curve), so that recall is equal in truth: thresholds from a few hundred validation images find more
of the test ships with one detector and fewer with the next. The threshold that one would go to work
with is chosen on validation images all the same; the challenge's score is measured at that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, nn

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
from course_utils.detection.scenes import Scene

RECALL = 0.6  # at which detectors are compared: all arms reach it, with tuning seeds 500 to 503
THRESHOLDS = tuple(i / 20 for i in range(1, 20))  # from which the one for work is chosen
IOU = 0.3  # of a match: a ship of 10 x 3 pixels found one pixel too far along and across has .43


@dataclass(frozen=True)
class Measures:
    """How good a detector is on test images; each measure is computed when asked.

    Args:
        valid: what the detector found in each validation image, and the ships in it.
        test: likewise, of the test images.
        threshold: at which it finds the compared share of the test ships.
    """

    valid: Pairs
    test: Pairs
    threshold: float

    @cached_property
    def false_alarms(self) -> float:
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
    def working_threshold(self) -> float:
        """The one of the best F2 on validation images."""
        return best_threshold(self.valid)

    @cached_property
    def f2(self) -> float:
        """Airbus' own score, on boxes, 0 to 1, at the threshold from validation images."""
        return f2_above(self.working_threshold, self.test)


@dataclass(frozen=True)
class Comparison:
    """Detectors at one recall.

    Attributes:
        recall: at which they are compared, on test images: what was asked for, or the highest that
            all of them reach.
        asked: what was asked for.
        arms: name -> measures on test images.
    """

    recall: float
    asked: float
    arms: Mapping[str, Measures]

    def table(self) -> str:
        """Lay out all measures, with the score of finding nothing at all."""
        lines = [self.sentence(), f"{'':18} false alarms  threshold     AP     F2"]
        for name, arm in self.arms.items():
            lines.append(
                f"{name:18} {arm.false_alarms:12.3f} {arm.threshold:10.2f} "
                f"{arm.average_precision:6.2f} {arm.f2:6.2f}"
            )
        boxes = [boxes for _, boxes in next(iter(self.arms.values())).test]
        nothing = empty_score(boxes)
        lines.append(f"{'finding nothing':18} {0:12.3f} {'':10} {0:6.2f} {nothing:6.2f}")
        return "\n".join(lines)

    def sentence(self) -> str:
        """Say at which recall, and why if it is not the one that was asked for."""
        words = f"Compared where each finds {100 * self.recall:.0f} % of the ships"
        if self.recall < self.asked:
            words += f": {100 * self.asked:.0f} % is out of reach for one detector at least"
        return f"{words}."


def compare_at_recall(
    valid: Mapping[str, Pairs], test: Mapping[str, Pairs], recall: float = RECALL
) -> Comparison:
    """Compare detectors at one recall on test images, each at its own threshold.

    Where a detector does not reach the recall, all are compared at the highest that each reaches.

    Args:
        valid: name -> what was found in each validation image, and its ships.
        test: likewise, of the test images.
        recall: asked for, 0 to 1.
    """
    curves = {name: precision_recall(pairs, iou_threshold=IOU) for name, pairs in test.items()}
    reached = min(float(c.recall[-1]) if len(c.recall) else 0.0 for c in curves.values())
    common = min(recall, reached)
    cuts = {n: threshold_at_recall(c, common) if common else 0.0 for n, c in curves.items()}
    arms = {name: Measures(valid[name], test[name], cut) for name, cut in cuts.items()}
    return Comparison(common, recall, arms)


def compare_detectors(
    models: Mapping[str, nn.Module],
    valid: Sequence[Scene],
    test: Sequence[Scene],
    recall: float = RECALL,
) -> Comparison:
    """Run detectors over validation and test images, and compare them at equal recall."""
    found = [{name: pairs(model, part) for name, model in models.items()} for part in (valid, test)]
    return compare_at_recall(*found, recall)


def pairs(model: nn.Module, scenes: Iterable[Scene]) -> Pairs:
    """Return what a detector finds in each scene, and the ships in it."""
    return [(found, scene.boxes) for scene, found in detect(model, scenes)]


def empty_score(boxes: Iterable[Tensor]) -> float:
    """Return Airbus' score of finding nothing in any image: the share of images without ships."""
    counts = [len(of_image) for of_image in boxes]
    return counts.count(0) / len(counts)


def f2_above(threshold: float, pairs: Pairs) -> float:
    """Return Airbus' score of the detections above a threshold."""
    return airbus_score([(found.above(threshold), boxes) for found, boxes in pairs])


def best_threshold(pairs: Pairs) -> float:
    """Return the threshold of the best F2 on validation images."""
    return max(THRESHOLDS, key=lambda cut: f2_above(cut, pairs))
