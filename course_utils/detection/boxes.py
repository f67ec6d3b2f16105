"""What a detector says about one image, and which detection found which true box.

Matching is COCO's (Lin et al., "Microsoft COCO: common objects in context", 2014; the rule is that
of its evaluation code, pycocotools).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_utils._validate import check_number


@dataclass(frozen=True)
class Detections:
    """The detections of one image, sorted by falling score when made; ties stay in their order.

    Attributes:
        boxes: float (n, 4), each x0, y0, x1, y1 in pixels, the last two exclusive.
        scores: float (n,), one a box; higher is surer.

    Raises:
        TypeError: one of the two is not a float tensor.
        ValueError: a shape is wrong, a number is NaN or infinite, or a box has no area.
    """

    boxes: Tensor
    scores: Tensor

    def __post_init__(self):
        for name, values in (("boxes", self.boxes), ("scores", self.scores)):
            if not isinstance(values, Tensor) or not values.is_floating_point():
                given = values.dtype if isinstance(values, Tensor) else type(values).__name__
                raise TypeError(f"The {name} are {given}, but must be a tensor of floats.")
        check_boxes(self.boxes, "The detected boxes")
        if self.scores.shape != self.boxes.shape[:1]:
            raise ValueError(
                f"The scores have the shape {tuple(self.scores.shape)}, but there are "
                f"{len(self.boxes)} boxes: give one score a box."
            )
        if not self.scores.isfinite().all():
            number = int((~self.scores.isfinite()).nonzero()[0])
            raise ValueError(
                f"Score number {number} is {float(self.scores[number])}, but scores must be "
                "finite: look for NaN in the model's output."
            )
        scores, order = self.scores.sort(descending=True, stable=True)
        object.__setattr__(self, "boxes", self.boxes[order])
        object.__setattr__(self, "scores", scores)

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, threshold: float) -> Detections:
        """Return the detections whose score is at least the threshold.

        Raises:
            ValueError: the threshold is no finite number.
        """
        check_number("threshold", threshold)
        chosen = self.scores >= threshold
        if chosen.all():
            return self
        return Detections(self.boxes[chosen], self.scores[chosen])


def suppress(detections: Detections, *, iou_threshold: float = 0.5) -> Detections:
    """Drop each box that overlaps a better one (non-maximum suppression, torchvision's own).

    Args:
        detections: of one image.
        iou_threshold: two boxes whose intersection over union is more than this are duplicates,
            0 to 1.

    Raises:
        ValueError: `iou_threshold` is out of its range.
    """
    check_number("iou_threshold", iou_threshold, least=0, most=1)
    if len(detections) < 2:
        return detections
    from torchvision.ops import nms  # a second or more, which most lessons save

    chosen = nms(detections.boxes.double(), detections.scores.double(), iou_threshold)
    return Detections(detections.boxes[chosen], detections.scores[chosen])


def check_boxes(boxes: Tensor, what: str) -> None:
    """Raise a sentence about `what` unless `boxes` is (n, 4), finite, each box with an area."""
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"{what} have the shape {tuple(boxes.shape)}, but need (n, 4): x0, y0, x1, y1 a row, "
            "and (0, 4) for none."
        )
    if not len(boxes):
        return
    good = (boxes[:, 2:] > boxes[:, :2]).all(1) & boxes.isfinite().all(1)
    if not good.all():
        number = int((~good).nonzero()[0])
        raise ValueError(
            f"{what} hold {torch.round(boxes[number].double(), decimals=3).tolist()} (row "
            f"{number}), but a box is finite with x0 < x1 and y0 < y1: mend or drop it."
        )


def match_boxes(
    detections: Detections, true_boxes: Tensor, *, iou_threshold: float = 0.5
) -> Tensor:
    """Match one image's detections to its true boxes.

    The detections choose in order of their scores. Each takes, of the true boxes that are still
    free and overlap it enough, the one that overlaps it most; it is then a true positive. A second
    detection of the same box finds it taken, and is a false positive.

    Args:
        detections: of the image.
        true_boxes: (m, 4), x0, y0, x1, y1 in pixels, the last two exclusive.
        iou_threshold: the least intersection over union of a match, above 0 to 1.

    Returns:
        int64 (n,) on the CPU: the matched true box of each detection, or -1 for a false positive;
        `match_boxes(...) >= 0` tells the true positives.

    Raises:
        TypeError: `detections` is not a `Detections`.
        ValueError: the true boxes are not (m, 4), finite, with areas; or `iou_threshold` is out of
            its range.
    """
    check_number("iou_threshold", iou_threshold, above=0, most=1)
    return match_overlaps(box_overlaps(detections, true_boxes), iou_threshold=iou_threshold)


def box_overlaps(detections: Detections, true_boxes: Tensor) -> Tensor:
    """Return the intersection over union of each detection with each true box, float64 (n, m)."""
    if not isinstance(detections, Detections) or not isinstance(true_boxes, Tensor):
        raise TypeError(
            f"To be matched are {type(detections).__name__} and {type(true_boxes).__name__}, but "
            "it takes Detections and a tensor of true boxes, in this order."
        )
    check_boxes(true_boxes, "The true boxes")
    if not len(detections) or not len(true_boxes):  # most images are so: save the time
        return torch.zeros(len(detections), len(true_boxes), dtype=torch.float64)
    from torchvision.ops import box_iou

    # float64, as in COCO's code, so that an overlap of exactly .5 counts as that
    return box_iou(detections.boxes.cpu().double(), true_boxes.cpu().double())


def match_overlaps(overlaps: Tensor, *, iou_threshold: float) -> Tensor:
    """Match greedily by a table of overlaps (n, m), a row a detection, the best score first.

    Returns int64 (n,): the matched column of each row, or -1. Of columns with the same overlap the
    last is taken, as in COCO's code.
    """
    if not overlaps.numel():
        return torch.full((len(overlaps),), -1)
    table = overlaps.numpy()
    rows, columns = np.nonzero(table >= iou_threshold)
    order = np.lexsort((-columns, -table[rows, columns], rows))
    matched, taken = [-1] * len(table), set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if matched[row] < 0 and column not in taken:
            matched[row] = column
            taken.add(column)
    return torch.tensor(matched, dtype=torch.int64)
