"""Prior correction: what a model learnt about the class frequencies, taken out of its logits."""

from __future__ import annotations

import torch
from torch import Tensor


def correct_prior(logits: Tensor, counts: Tensor) -> Tensor:
    """Subtract the log of each class's share in the training set from the logits.

    By Bayes' rule, p(class | image) is proportional to p(image | class) * p(class). A net trained
    with cross-entropy learns the left side, so its logits contain log p(class) of the *training*
    set. Without it, all classes count alike: the prediction with the best balanced accuracy. This
    is the post-hoc logit adjustment of Menon et al., "Long-tail learning via logit adjustment",
    2021, at their default strength (tau = 1). Nothing is trained again.

    Not for a model trained with oversampling, undersampling or a weighted loss: these have taken
    the prior out already.

    Args:
        logits: floating point, (n, classes).
        counts: training samples of each class, (classes,); only their proportions matter.

    Returns:
        Corrected logits, (n, classes), on the device of the logits.

    Raises:
        ValueError: the shapes do not fit, the logits are no floats, or a class has no training
            sample.
    """
    counts = torch.as_tensor(counts, dtype=torch.float64)
    if logits.ndim != 2 or counts.shape != logits.shape[1:]:
        raise ValueError(
            f"The logits have shape {tuple(logits.shape)} and the counts {tuple(counts.shape)}, "
            "but must be (n, classes) and (classes,)."
        )
    if not logits.is_floating_point():
        raise ValueError(f"The logits are {logits.dtype}, but must be floating point.")
    empty = (~((counts > 0) & counts.isfinite())).nonzero()[:, 0].tolist()
    if empty:
        raise ValueError(
            f"The classes {empty} have no training sample, but {counts[empty].tolist()}, so that "
            "nothing is known about them: leave them out of the logits and the counts."
        )
    log_prior = (counts / counts.sum()).log()
    return logits - log_prior.to(device=logits.device, dtype=logits.dtype)
