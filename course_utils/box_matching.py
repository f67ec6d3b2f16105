"""Which detection found which true box: COCO's greedy matching.

Lin et al., "Microsoft COCO: common objects in context", 2014; the rule is that of its evaluation
code (pycocotools).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou

from course_utils.detections import Detections, check_boxes
from course_utils.limits import check_number, check_type


def match_boxes(detections: Detections, true_boxes: Tensor, *, iou: float = 0.5) -> Tensor:
    """Match one image's detections to its true boxes.

    The detections choose in order of their scores. Each takes, of the true boxes that are still
    free and overlap it enough, the one that overlaps it most; it is then a true positive. A second
    detection of the same box finds it taken, and is a false positive.

    Args:
        detections: of the image.
        true_boxes: (m, 4), x0, y0, x1, y1 in pixels, the last two exclusive.
        iou: the least intersection over union of a match, above 0 to 1.

    Returns:
        int64 (n,) on the CPU: the matched true box of each detection, or -1 for a false positive;
        `match_boxes(...) >= 0` tells the true positives.

    Raises:
        TypeError: `detections` is not a `Detections`.
        ValueError: the true boxes are not (m, 4), finite, with areas; or `iou` is out of its range.
    """
    return match_overlaps(box_overlaps(detections, true_boxes), iou=iou)


def box_overlaps(detections: Detections, true_boxes: Tensor) -> Tensor:
    """Return the intersection over union of each detection with each true box, float64 (n, m).

    Raises:
        TypeError: `detections` is not a `Detections`.
        ValueError: the true boxes are not (m, 4), finite, with areas.
    """
    if not isinstance(detections, Detections) or not isinstance(true_boxes, Tensor):
        raise TypeError(
            f"To be matched are {type(detections).__name__} and {type(true_boxes).__name__}, but "
            "it takes Detections and a tensor of true boxes, in this order."
        )
    check_boxes(true_boxes, "The true boxes")
    if not len(detections) or not len(true_boxes):  # most images are so: save the time
        return torch.zeros(len(detections), len(true_boxes), dtype=torch.float64)
    # float64, as in COCO's code, so that an overlap of exactly .5 counts as that
    return box_iou(detections.boxes.cpu().double(), true_boxes.cpu().double())


def match_overlaps(overlaps: Tensor, *, iou: float) -> Tensor:
    """Match greedily by a table of overlaps, whatever they were computed from.

    Args:
        overlaps: (n, m) on the CPU, 0 to 1; row by row the detections, the best score first.
        iou: the least overlap of a match, above 0 to 1.

    Returns:
        int64 (n,): the matched column of each row, or -1. Of columns with the same overlap the last
        is taken, as in COCO's code.

    Raises:
        TypeError: `overlaps` is no tensor.
        ValueError: `overlaps` is not two-dimensional or holds NaN, or `iou` is out of its range.
    """
    check_type("overlaps", overlaps, Tensor)
    if overlaps.dim() != 2:
        raise ValueError(
            f"The overlaps have the shape {tuple(overlaps.shape)}, but need two dimensions: "
            "detections x true objects."
        )
    check_number("iou", iou, above=0, most=1)
    if overlaps.isnan().any():
        raise ValueError("An overlap is NaN: look for boxes or masks that are not finite.")
    if not overlaps.numel():
        return torch.full((len(overlaps),), -1)
    table = overlaps.numpy()
    rows, columns = np.nonzero(table >= iou)
    order = np.lexsort((-columns, -table[rows, columns], rows))
    matched, taken = [-1] * len(table), set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if matched[row] < 0 and column not in taken:
            matched[row] = column
            taken.add(column)
    return torch.tensor(matched, dtype=torch.int64)
