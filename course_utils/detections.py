"""What a detector says about one image: boxes with scores, the best first."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import nms

from course_utils.limits import check_number, check_whole


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


def suppress(detections: Detections, *, iou: float = 0.5, keep: int | None = None) -> Detections:
    """Drop each box that overlaps a better one (non-maximum suppression, torchvision's own).

    Args:
        detections: of one image.
        iou: two boxes whose intersection over union is more than this are doubles, 0 to 1.
        keep: how many detections to keep at the most, the best first; None keeps all.

    Raises:
        ValueError: `iou` or `keep` is out of its range.
    """
    check_number("iou", iou, least=0, most=1)
    if keep is not None:
        check_whole("keep", keep, 1)
    if len(detections) < 2:
        return detections
    chosen = nms(detections.boxes.double(), detections.scores.double(), iou)[:keep]
    return Detections(detections.boxes[chosen], detections.scores[chosen])


def check_boxes(boxes: Tensor, what: str) -> None:
    """Raise a sentence unless `boxes` is (n, 4), finite, each box with an area.

    Args:
        boxes: x0, y0, x1, y1 in pixels; n may be 0.
        what: the sentence's subject, a plural: "The true boxes".

    Raises:
        ValueError: the boxes are not so.
    """
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
