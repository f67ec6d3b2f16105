"""Random changes to the images of a batch: a flip, and a crop after padding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.limits import check_number, check_type, check_whole


@dataclass(frozen=True)
class Augment:
    """Random changes that leave an image's class as it is, drawn anew for each image and epoch.

    The usual ones (He et al., "Deep residual learning", 2016), the border reflected, not black.

    Attributes:
        flip: mirror left and right, with probability 1/2.
        pad: how many pixels to reflect outwards on each side before a random crop to the old size.
    """

    flip: bool = True
    pad: int = 2


def source_pixels(shape: tuple[int, int, int], augment: Augment) -> Tensor:
    """Tabulate the old position of each pixel of an image, for each change that it may get.

    Args:
        shape: of an image: channels, height, width.
        augment: which changes.

    Returns:
        int32 (flips * offsets, pixels of all channels).

    Raises:
        TypeError: `augment` is no `Augment`.
        ValueError: its `pad` is no integer from 0, or too large for the images.
    """
    check_type("augment", augment, Augment)
    (channels, height, width), pad = shape, augment.pad
    check_whole("pad", pad)
    most = min(height, width) - 1
    check_number("pad", pad, most=most, hint=f"the images are {height} x {width}")
    pixels = torch.arange(channels * height * width, dtype=torch.int32).view(shape)
    padded = F.pad(pixels.double(), (pad,) * 4, mode="reflect").int()
    crops = padded.unfold(1, height, 1).unfold(2, width, 1)  # channel, dy, dx, height, width
    rows = crops.permute(1, 2, 0, 3, 4).reshape(-1, *shape)
    if augment.flip:
        rows = torch.cat([rows, rows.flip(-1)])
    return rows.flatten(1)


def move_pixels(images: Tensor, sources: Tensor) -> Tensor:
    """Give each image's pixels their new places, by a row of `source_pixels` an image.

    One flat gather: twice as fast as one a row.
    """
    first = torch.arange(len(images), dtype=torch.int32, device=images.device) * sources.shape[1]
    return images.flatten().index_select(0, (sources + first[:, None]).flatten()).view_as(images)
