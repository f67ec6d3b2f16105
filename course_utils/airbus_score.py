"""The score of the Airbus Ship Detection Challenge (Kaggle, 2018): F2 over ten overlaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor

from course_utils.box_matching import box_overlaps, match_overlaps
from course_utils.limits import check_type

# .5, .55, ..., .95
THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))


def airbus_score(
    pairs: Iterable[tuple[Any, Any]], *, overlap: Callable[[Any, Any], Tensor] = box_overlaps
) -> float:
    """Return the mean over the images of `image_score`, 0 to 1.

    Every detection counts, whatever its score, so keep the good ones before:
    `airbus_score([(found.above(threshold), boxes) for found, boxes in pairs])`.

    The challenge itself compares masks, and the numbers of the two are not comparable: a ship that
    lies aslant fills only a part of its upright box. For masks give `overlap=mask_overlaps`.

    Args:
        pairs: what was found in an image, the best score first, and what is there; `Detections` and
            true boxes (m, 4) in pixels for the overlap of boxes.
        overlap: maps such a pair to intersections over unions (n, m); n and m may be 0.

    Raises:
        TypeError: a pair does not fit the overlap.
        ValueError: there is no image, or an argument has a wrong shape.
    """
    scores = [image_score(overlap(found, true)) for found, true in pairs]
    if not scores:
        raise ValueError("There is no image to score: give at least one pair.")
    return sum(scores) / len(scores)


def image_score(overlaps: Tensor) -> float:
    """Return the mean of F2 over the thresholds .5, .55, ..., .95 of one image.

    F2 = 5 TP / (5 TP + 4 FN + FP): a missed ship costs four times what a false alarm costs. TP
    are the detections that match a ship with an overlap *above* the threshold (COCO: at least), FN
    the ships without one, FP the other detections.

    An image with no ship and no detection, where F2 is 0 / 0, scores 1. With no ship but a
    detection, however many, it scores 0; with a ship but no detection 0 as well.

    The challenge's masks are free of overlaps among themselves, so that no detection can match two
    ships. Boxes are not: they are matched greedily in order of score (`match_overlaps`).

    Args:
        overlaps: intersections over unions (n, m), 0 to 1, of n detections, the best score first,
            with m ships.

    Raises:
        ValueError: `overlaps` is not two-dimensional.
    """
    if overlaps.shape == (0, 0):
        return 1.0
    # the next number up turns "at least" into "above"
    hits = [
        int((match_overlaps(overlaps, iou=math.nextafter(threshold, 1.0)) >= 0).sum())
        for threshold in THRESHOLDS
    ]
    found, ships = overlaps.shape
    # 5 TP + 4 FN + FP, with FN = ships - TP and FP = found - TP, is the same at each threshold
    return 5 * sum(hits) / (4 * ships + found) / len(hits)


def mask_overlaps(found: Tensor, true: Tensor) -> Tensor:
    """Return the intersection over union of each found mask with each true one, float64 (n, m).

    Args:
        found: bool (n, height, width), the best score first.
        true: bool (m, height, width).

    Raises:
        TypeError: one of them is no tensor.
        ValueError: the shapes do not fit.
    """
    check_type("found", found, Tensor)
    check_type("true", true, Tensor)
    if found.dim() != 3 or true.dim() != 3 or found.shape[1:] != true.shape[1:]:
        raise ValueError(
            f"The masks have the shapes {tuple(found.shape)} and {tuple(true.shape)}, but need "
            "(n, height, width) and (m, height, width)."
        )
    # float64 is exact for counts of pixels
    found, true = found.cpu().flatten(1).double(), true.cpu().flatten(1).double()
    both = found @ true.T
    union = found.sum(1)[:, None] + true.sum(1) - both
    return both / union.clamp(min=1)
