"""Do labels say something about their images? What is learned from some must hold for others."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from course_utils.finding import Finding
from course_utils.snapshot import eval_mode
from course_utils.step_checks import Step

FEWEST = 300  # samples, from which "better than guessing" can be told
EPOCHS = 10
BATCH = 64


def check_meaning(model: nn.Module, step: Step, images: Tensor, labels: Tensor) -> list[Finding]:
    """Train a little on three quarters of the samples, and test on the rest.

    A net learns shuffled labels by heart as easily as right ones (Zhang et al., "Understanding deep
    learning requires rethinking generalization", 2017): only unseen samples tell them apart. The
    caller keeps and restores the state.

    Args:
        model: a classifier.
        step: takes one training step of that model on a batch.
        images: (n, ...), n of `FEWEST` or more.
        labels: (n,), integers.
    """
    count = len(labels) // 4
    seen = torch.arange(count, len(labels), device=labels.device)
    generator = torch.Generator().manual_seed(0)
    for _ in range(EPOCHS):
        order = torch.randperm(len(seen), generator=generator).to(labels.device)
        for part in seen[order].split(BATCH):
            step((images[part], labels[part]))
    with eval_mode(model):
        right = share_right(model, images[:count], labels[:count])
    guess = float(labels.bincount().max()) / len(labels)
    if right > guess + 4 * math.sqrt(guess * (1 - guess) / count):
        return []
    words = (
        f"trained on {len(seen)} samples, the model gets {right:.0%} of {count} others right, and "
        f"guessing gets {guess:.0%}: labels and images do not belong together (shuffled, "
        "or moved against each other)."
    )
    return [Finding("labels mean something", words)]


@torch.no_grad()
def share_right(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the share of samples whose largest output is that of their label, 0 to 1."""
    return float((model(images).argmax(1) == labels).float().mean())
