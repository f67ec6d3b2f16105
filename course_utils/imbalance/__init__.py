"""Imbalanced classes: made, measured and treated."""

from course_utils.imbalance.class_metrics import (
    balanced_accuracy,
    class_recalls,
    confusion_matrix,
)
from course_utils.imbalance.imbalance import (
    class_counts,
    class_weights,
    correct_prior,
    step_imbalance,
)
from course_utils.imbalance.sampling import (
    OversamplingSampler,
    oversample_indices,
    undersample_indices,
)

__all__ = [
    "OversamplingSampler",
    "balanced_accuracy",
    "class_counts",
    "class_recalls",
    "class_weights",
    "confusion_matrix",
    "correct_prior",
    "oversample_indices",
    "step_imbalance",
    "undersample_indices",
]
