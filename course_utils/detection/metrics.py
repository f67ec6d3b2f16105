"""How good a detector is over many images: precision, recall, AP, false positives, Airbus' score.

The pairs are one image's `Detections` and its true boxes (m, 4), in pixels. Matching is COCO's
(`match_boxes`), at one threshold of the intersection over union.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils._validate import check_number, check_type
from course_utils.detection.boxes import Detections, box_overlaps, match_boxes, match_overlaps

Pairs = Iterable[tuple[Detections, Tensor]]
RECALLS = np.linspace(0.0, 1.0, 101)  # COCO's: 0, .01, ..., 1
THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))  # Airbus': .5, .55, ..., .95


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """What counts as found at each threshold; all float64 (k,), one entry a score that occurs.

    Attributes:
        thresholds: falling; a detection counts from this score on.
        recall: found true boxes / true boxes, rising.
        precision: true positives / detections.
        false_positives_per_image: false positives / all images, rising.
    """

    thresholds: Tensor
    recall: Tensor
    precision: Tensor
    false_positives_per_image: Tensor


def precision_recall(pairs: Pairs, *, iou_threshold: float = 0.5) -> PrecisionRecallCurve:
    """Measure precision and recall at every threshold that makes a difference.

    Detections of the same score come in together, so that each point is what one gets by keeping
    the scores of at least its threshold. Without any detection the curve has no point.

    Args:
        pairs: one an image.
        iou_threshold: of a match, above 0 to 1.

    Raises:
        TypeError: a pair is not (`Detections`, tensor).
        ValueError: there is no image, or no true box in any; or an argument is out of its range.
    """
    scores, hits, true_boxes, images = _ranked(pairs, iou_threshold)
    is_last = np.append(scores[1:] != scores[:-1], np.ones(min(1, len(scores)), dtype=bool))
    true, count = hits.cumsum()[is_last], np.arange(1, len(hits) + 1)[is_last]
    columns = scores[is_last], true / true_boxes, true / count, (count - true) / images
    return PrecisionRecallCurve(*map(torch.from_numpy, columns))


def average_precision(pairs: Pairs, *, iou_threshold: float = 0.5) -> float:
    """Compute the average precision as COCO does, 0 to 1 (Lin et al., 2014).

    It is the mean, over the 101 recalls 0, .01, ..., 1, of the best precision at that recall or a
    higher one; 0 where the recall is never reached. So it is not the area under the raw curve: the
    best precision to the right lies above the dips between two hits, and the grid rounds: one hit
    of two true boxes, without false positives, has the area .5 but the average precision 51 / 101.

    As in COCO's code equal scores are ranked in the order of the images. COCO's own tables look at
    the 100 best detections of an image only; here all count.

    Args:
        pairs: one an image.
        iou_threshold: of a match, above 0 to 1.

    Raises:
        TypeError: a pair is not (`Detections`, tensor).
        ValueError: there is no image, or no true box in any; or an argument is out of its range.
    """
    _, hits, true_boxes, _ = _ranked(pairs, iou_threshold)
    true = hits.cumsum()
    precision = true / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(true / true_boxes, RECALLS)
    return float(best[place[place < len(best)]].sum() / len(RECALLS))


def threshold_at_recall(curve: PrecisionRecallCurve, recall: float = 0.9) -> float:
    """Return the highest threshold at which the recall is at least `recall`, above 0 to 1.

    Take it on validation data, and apply it to test data by `Detections.above`.

    Raises:
        ValueError: the recall is never reached, or out of its range.
    """
    check_number("recall", recall, above=0, most=1)
    point = int(torch.searchsorted(curve.recall, recall))
    if point == len(curve.recall):
        reached = float(curve.recall[-1]) if point else 0.0
        raise ValueError(
            f"The recall {recall:g} is never reached, {reached:.3f} at the most: ask for less, "
            "keep detections of lower scores, or train a better detector."
        )
    return float(curve.thresholds[point])


def false_positives_per_empty_image(pairs: Pairs, threshold: float) -> float:
    """Return the mean number of detections of at least this score on images without true boxes.

    Args:
        pairs: one an image.
        threshold: a detection counts from this score on.

    Raises:
        TypeError: a pair is not (`Detections`, tensor).
        ValueError: there is no image, or none without true boxes; or the threshold is not finite.
    """
    check_number("threshold", threshold)
    empty = [detections for detections, boxes in _listed(pairs) if not len(boxes)]
    for detections in empty:
        check_type("What was found", detections, Detections)
    if not empty:
        raise ValueError(
            "Every image holds a true box, but this is measured on images without: give some."
        )
    return sum(len(detections.above(threshold)) for detections in empty) / len(empty)


def _ranked(pairs: Pairs, iou_threshold: float) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Rank all detections: scores (falling), hit or not, number of true boxes, of images."""
    pairs = _listed(pairs)
    matched = [match_boxes(*pair, iou_threshold=iou_threshold) for pair in pairs]
    true_boxes = sum(len(boxes) for _, boxes in pairs)
    if not true_boxes:
        raise ValueError(
            f"There is no true box in the images ({len(pairs)}), so that recall has no meaning: "
            "give at least one image with an object."
        )
    scores = torch.cat([detections.scores.cpu().double() for detections, _ in pairs]).numpy()
    order = np.argsort(-scores, kind="stable")
    return scores[order], torch.cat(matched).numpy()[order] >= 0, true_boxes, len(pairs)


def _listed(pairs: Pairs) -> list[tuple[Detections, Tensor]]:
    check_type("pairs", pairs, Iterable)
    pairs = list(pairs)
    if not pairs:
        raise ValueError("There is no image to evaluate on: give at least one pair.")
    return pairs


def airbus_score(
    pairs: Iterable[tuple[Any, Any]], *, overlap: Callable[[Any, Any], Tensor] = box_overlaps
) -> float:
    """Return the Airbus challenge's score, 0 to 1: F2 over images and thresholds .5, .55, ..., .95.

    F2 = 5 TP / (5 TP + 4 FN + FP): a missed ship costs four times what a false alarm costs. TP
    are the detections that match a ship with an overlap *above* the threshold (COCO: at least), FN
    the ships without one, FP the other detections. The mean over the thresholds is an image's
    score, and the mean of these the score of the images.

    An image with no ship and no detection, where F2 is 0 / 0, scores 1. With no ship but a
    detection, however many, it scores 0; with a ship but no detection 0 as well.

    Every detection counts, whatever its score, so keep the good ones before:
    `airbus_score([(found.above(threshold), boxes) for found, boxes in pairs])`.

    The challenge itself compares masks, and the numbers of the two are not comparable: a ship that
    lies aslant fills only a part of its upright box. For masks give `overlap=mask_overlaps`. Its
    masks are free of overlaps among themselves, so that no detection can match two ships. Boxes are
    not: they are matched greedily in order of score, as in `match_boxes`.

    Args:
        pairs: what was found in an image, the best score first, and what is there; `Detections` and
            true boxes (m, 4) in pixels for the overlap of boxes.
        overlap: maps such a pair to intersections over unions (n, m); n and m may be 0.

    Raises:
        TypeError: a pair does not fit the overlap.
        ValueError: there is no image, or an argument has a wrong shape.
    """
    scores = [_image_score(overlap(found, true)) for found, true in _listed(pairs)]
    return sum(scores) / len(scores)


def _image_score(overlaps: Tensor) -> float:
    if overlaps.shape == (0, 0):
        return 1.0
    # the next number up turns "at least" into "above"
    hits = [
        int((match_overlaps(overlaps, iou_threshold=math.nextafter(threshold, 1.0)) >= 0).sum())
        for threshold in THRESHOLDS
    ]
    found, ships = overlaps.shape
    # 5 TP + 4 FN + FP, with FN = ships - TP and FP = found - TP, is the same at each threshold
    return 5 * sum(hits) / (4 * ships + found) / len(hits)


def mask_overlaps(found: Tensor, true: Tensor) -> Tensor:
    """Return the intersection over union of each found mask with each true one, float64 (n, m).

    Args:
        found: bool (n, height, width), the best score first; of numbers, as 0 and 255, those that
            are not 0 are the mask.
        true: likewise (m, height, width).

    Raises:
        TypeError: one of them is no tensor.
        ValueError: the shapes do not fit, or masks of floats hold other values than 0 and 1.
    """
    check_type("found", found, Tensor)
    check_type("true", true, Tensor)
    if found.dim() != 3 or found.shape[1:] != true.shape[1:]:
        raise ValueError(
            f"The masks have the shapes {tuple(found.shape)} and {tuple(true.shape)}, but need "
            "(n, height, width) and (m, height, width)."
        )
    for name, masks in (("found", found), ("true", true)):
        if masks.is_floating_point() and not ((masks == 0) | (masks == 1)).all():
            raise ValueError(
                f"The masks of {name} hold floats other than 0 and 1: choose a threshold, as "
                "`masks > 0.5`."
            )
    # float64 is exact for counts of pixels
    found, true = (masks.cpu().bool().flatten(1).double() for masks in (found, true))
    both = found @ true.T
    union = found.sum(1)[:, None] + true.sum(1) - both
    return both / union.clamp(min=1)
