"""Bad inputs of measures: of classes, of detections, of claims and of experiments."""

import math

import torch

from bad_inputs.detection import BOX, FOUND, NO_BOXES
from course_utils.detection.metrics import (
    airbus_score,
    average_precision,
    false_positives_per_empty_image,
    mask_overlaps,
    precision_recall,
    threshold_at_recall,
)
from course_utils.imbalance.class_metrics import balanced_accuracy, class_recalls, confusion_matrix
from course_utils.teaching.claims import (
    Claim,
    claims_table,
    format_interval,
    mean_interval,
    seeds_needed,
)

LOGITS, LABELS = torch.eye(3), torch.tensor([0, 1, 2])
CLASSES = {"classes": 3}
MASKS = torch.ones(1, 4, 4, dtype=torch.bool)


def curve():
    return precision_recall([(FOUND, BOX), (FOUND, torch.tensor([[20.0, 20.0, 30.0, 30.0]]))])


def claim(effects=(1.0, 2.0, 3.0), **bounds):
    return lambda make: make("it helps", effects, **bounds or {"at_least": 0})


ROWS = {
    "labels fewer than logits": (
        confusion_matrix, lambda matrix: matrix(LOGITS, LABELS[:2]),
        ValueError, "3 predictions and 2 labels", "one a sample",
    ),
    "predictions as texts": (
        confusion_matrix, lambda matrix: matrix(["a", "b"], LABELS[:2], **CLASSES),
        ValueError, "predictions are of type list", "integers",
    ),
    "predictions as floats": (
        confusion_matrix, lambda matrix: matrix(LABELS.float(), LABELS, **CLASSES),
        ValueError, "float32", "the class of each, or logits.",
    ),
    "no sample": (
        confusion_matrix, lambda matrix: matrix(LOGITS[:0], LABELS[:0]),
        ValueError, "no predictions", "at least one",
    ),
    "label out of range": (
        confusion_matrix, lambda matrix: matrix(LOGITS, LABELS + 1),
        ValueError, "The labels go from 1 to 3", "0 to 2",
    ),
    "prediction out of range": (
        confusion_matrix, lambda matrix: matrix(LABELS - 1, LABELS, **CLASSES),
        ValueError, "The predictions go from -1 to 1",
    ),
    "logits NaN": (
        confusion_matrix, lambda matrix: matrix(LOGITS * math.nan, LABELS),
        ValueError, "NaN", "again",
    ),
    "predictions without classes": (
        confusion_matrix, lambda matrix: matrix(LABELS, LABELS),
        ValueError, "classes is None", "at least 1",
    ),
    "no classes": (
        confusion_matrix, lambda matrix: matrix(LABELS, LABELS, classes=0),
        ValueError, "classes is 0",
    ),
    "labels as floats": (
        balanced_accuracy, lambda accuracy: accuracy(LOGITS, LABELS.float()),
        ValueError, "The labels have type torch.float32", "the true class of each sample.",
    ),
    "class without a sample": (
        balanced_accuracy, lambda accuracy: accuracy(LOGITS, LABELS * 0), ValueError, "[1, 2]",
    ),
    "matrix with an empty row": (
        class_recalls, lambda recalls: recalls(torch.tensor([[1, 0], [0, 0]])), ValueError, "[1]",
    ),
    "no images": (
        precision_recall, lambda measure: measure([]), ValueError, "no image", "at least one",
    ),
    "detections as a tensor": (
        precision_recall, lambda measure: measure([(BOX, BOX)]), TypeError, "Tensor and Tensor",
    ),
    "detections as a tensor, nothing there": (
        false_positives_per_empty_image, lambda measure: measure([(BOX, NO_BOXES)], 0.5),
        TypeError, "What was found is of type Tensor", "Detections",
    ),
    "images None": (precision_recall, lambda measure: measure(None), TypeError, "pairs is None"),
    "no true box": (
        average_precision, lambda measure: measure([(FOUND, NO_BOXES)]),
        ValueError, "no true box", "1",
    ),
    "pair turned round": (
        average_precision, lambda measure: measure([(BOX, FOUND)]),
        TypeError, "Tensor and Detections",
    ),
    "overlap of 0": (
        average_precision, lambda measure: measure([(FOUND, BOX)], iou_threshold=0.0),
        ValueError, "iou_threshold is 0.0",
    ),
    "threshold as a text": (
        false_positives_per_empty_image, lambda measure: measure([(FOUND, NO_BOXES)], "0.5"),
        ValueError, "threshold is '0.5'",
    ),
    "threshold NaN": (
        false_positives_per_empty_image, lambda measure: measure([(FOUND, NO_BOXES)], math.nan),
        ValueError, "threshold is nan",
    ),
    "no empty image": (
        false_positives_per_empty_image, lambda measure: measure([(FOUND, BOX)], 0.5),
        ValueError, "Every image", "without",
    ),
    "recall of 0": (
        threshold_at_recall, lambda at: at(curve(), 0), ValueError, "recall is 0", "above 0",
    ),
    "recall as a percentage": (
        threshold_at_recall, lambda at: at(curve(), 90), ValueError, "recall is 90", "at most 1",
    ),
    "recall that is never reached": (
        threshold_at_recall, lambda at: at(curve(), 0.9),
        ValueError, "0.9", "0.500", "ask for",
    ),
    "no detections to score": (
        airbus_score, lambda score: score([(BOX, BOX)]),
        TypeError, "Tensor and Tensor", "Detections",
    ),
    "no image to score": (
        airbus_score, lambda score: score([]), ValueError, "no image", "at least one",
    ),
    "masks of two sizes": (
        mask_overlaps, lambda overlaps: overlaps(MASKS, MASKS[..., :3]),
        ValueError, "(1, 4, 4) and (1, 4, 3)",
    ),
    "masks as probabilities": (
        mask_overlaps, lambda overlaps: overlaps(MASKS, 0.3 * MASKS.float() + 0.1),
        ValueError, "masks of true", "0 and 1", "masks > 0.5",
    ),
    "masks None": (
        mask_overlaps, lambda overlaps: overlaps(None, MASKS), TypeError, "found is None",
    ),
    "true masks None": (
        mask_overlaps, lambda overlaps: overlaps(MASKS, None), TypeError, "true is None",
    ),
    "found masks as probabilities": (
        mask_overlaps, lambda overlaps: overlaps(MASKS * 0.7, MASKS), ValueError, "masks of found",
    ),
    "one value": (mean_interval, lambda mean: mean([1.0]), ValueError, "got 1", "more seeds"),
    "a value NaN": (
        mean_interval, lambda mean: mean([1.0, math.nan]), ValueError, "Value 2 of 2", "nan",
    ),
    "values as texts": (mean_interval, lambda mean: mean(["1", "2"]), ValueError, "'1'", "number"),
    "values None": (
        mean_interval, lambda mean: mean(None), TypeError, "values is None", "Iterable",
    ),
    "two effects": (Claim, claim((1.0, 2.0)), ValueError, "'it helps'", "2 effects", "more seeds"),
    "an effect infinite": (Claim, claim((1, 2, math.inf)), ValueError, "'it helps'", "is inf"),
    "an effect as a text": (Claim, claim((1, 2, "3")), ValueError, "'it helps'", "'3'"),
    "no bound": (Claim, claim(at_least=None), ValueError, "one of at_least, at_most"),
    "two bounds": (Claim, claim(at_least=1, within=1), ValueError, "exactly one"),
    "bound NaN": (Claim, claim(at_least=math.nan), ValueError, "at_least is nan", "finite"),
    "bound as a text": (Claim, claim(at_least="0"), ValueError, "at_least is '0'", "finite"),
    "margin of 0": (Claim, claim(within=0), ValueError, "within is 0", "above 0"),
    "factor of 0": (
        Claim, claim(at_most=0, unit="times", base=10), ValueError, "at_most is 0", "above 0",
    ),
    "factors without a base": (Claim, claim(at_least=1, unit="times"), ValueError, "go together"),
    "base 1": (
        Claim, claim(at_least=1, unit="times", base=1), ValueError, "base is 1", "above 1",
    ),
    "no claims": (claims_table, lambda table: table([]), ValueError, "no claim", "at least one"),
    "interval of NaN": (
        format_interval, lambda write: write(1.0, math.nan), ValueError, "half_width is nan",
    ),
    "interval below 0": (
        format_interval, lambda write: write(1.0, -0.1), ValueError, "half_width is -0.1",
    ),
    "effect of 0": (seeds_needed, lambda needed: needed(0, 1), ValueError, "effect is 0"),
    "effect as a text": (seeds_needed, lambda needed: needed("1 %", 1), ValueError, "is '1 %'"),
    "spread of 0": (
        seeds_needed, lambda needed: needed(1, 0), ValueError, "spread is 0", "above 0",
    ),
    "spread infinite": (
        seeds_needed, lambda needed: needed(1, math.inf), ValueError, "spread is inf",
    ),
    "effect too small to see": (
        seeds_needed, lambda needed: needed(1e-300, 1e300), ValueError, "1e-300", "1e+300",
    ),
}  # fmt: skip
