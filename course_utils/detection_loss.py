"""Losses of the detector: of its heatmap in three forms, and of the boxes' sizes and offsets."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.centre_maps import CHANNELS

HARD_SHARE = 0.1  # of the cells that are not on a ship
BOX_WEIGHT = 0.3
FOCAL_WEIGHT = 3.0  # it is the smaller loss by nature, and would drown beside the boxes


class DetectionLoss:
    """Callable: the mean loss an image of a detector's maps against target maps.

    All sums are divided by the number of images, never by that of the ships: a batch with few ships
    or none would blow up.

    Args:
        heat: how the heatmap's cells are weighted.
            "cross-entropy": all alike.
            "focal": those that are almost right count little (Lin et al. 2017, in the form of
            Zhou et al. 2019, with exponents 2 and 4).
            "hard examples": of the cells away from a centre, only the tenth with the highest loss
            in the batch (online hard example mining, Shrivastava et al. 2016).

    Raises:
        ValueError: `heat` is none of these.
    """

    def __init__(self, heat: str = "cross-entropy"):
        kinds = {
            "cross-entropy": cross_entropy,
            "focal": focal,
            "hard examples": hard_examples,
        }
        if heat not in kinds:
            raise ValueError(f"heat is {heat!r}, but must be one of {', '.join(map(repr, kinds))}.")
        self.heat_loss = kinds[heat]

    def __call__(self, maps: Tensor, targets: Tensor) -> Tensor:
        """Compare (n, 5, h, w) with the target maps (n, 7, h, w) of `boxes_to_maps`.

        Raises:
            ValueError: the shapes are others.
        """
        fits = (len(maps), CHANNELS + 2, *maps.shape[2:])
        if maps.dim() != 4 or maps.shape[1] != CHANNELS or targets.shape != fits:
            raise ValueError(
                f"The maps are of shape {tuple(maps.shape)} and the targets of "
                f"{tuple(targets.shape)}, but must be (n, 5, h, w) and (n, 7, h, w)."
            )
        centre, near = targets[:, 5], targets[:, 6:7]
        boxes = (F.l1_loss(maps[:, 1:5], targets[:, 1:5], reduction="none") * near).sum()
        heat = self.heat_loss(maps[:, 0], targets[:, 0], centre)
        return (heat + BOX_WEIGHT * boxes) / len(maps)


def cross_entropy(logits: Tensor, heat: Tensor, centre: Tensor) -> Tensor:
    """Sum the cross-entropy of all cells (n, h, w); cells beside a centre have a soft target."""
    return F.binary_cross_entropy_with_logits(logits, heat, reduction="sum")


def focal(logits: Tensor, heat: Tensor, centre: Tensor) -> Tensor:
    """Sum the focal loss: at centres (1 - p)^2 log p, elsewhere (1 - heat)^4 p^2 log(1 - p).

    It is multiplied by `FOCAL_WEIGHT`.
    """
    p = logits.sigmoid()
    at_centre = centre * (1 - p) ** 2 * F.logsigmoid(logits)
    elsewhere = (1 - centre) * (1 - heat) ** 4 * p**2 * F.logsigmoid(-logits)
    return -FOCAL_WEIGHT * (at_centre + elsewhere).sum()


def hard_examples(logits: Tensor, heat: Tensor, centre: Tensor) -> Tensor:
    """Sum the cross-entropy of cells on ships, and of the hardest others in the batch."""
    losses = F.binary_cross_entropy_with_logits(logits, heat, reduction="none")
    near = heat > 0.1
    others = torch.where(near, -1.0, losses).flatten()
    count = round(HARD_SHARE * int((~near).sum()))
    return (losses * near).sum() + others.topk(count).values.sum()
