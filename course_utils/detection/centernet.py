"""Boxes as maps, a heatmap of centres with sizes and offsets, and the losses of such maps.

The form is that of CenterNet (Zhou, Wang and Krähenbühl, "Objects as points", 2019), for one class.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils._validate import check_number, check_whole
from course_utils.detection.boxes import Detections, suppress

STRIDE = 4  # pixels a cell
CHANNELS = 5  # heatmap, log width, log height, way to the centre right and down
HARD_FRACTION = 0.1  # of the cells that are not on a ship
BOX_WEIGHT = 0.3
FOCAL_WEIGHT = 3.0  # it is the smaller loss by nature, and would drown beside the boxes
_AROUND = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y] + [(0, 0)]


def check_size(height: int, width: int) -> None:
    """Raise a sentence unless a detector's maps fit images of this size."""
    if height % STRIDE or width % STRIDE:
        raise ValueError(
            f"The images have {width} x {height} pixels, but both must be multiples of {STRIDE}: "
            "crop, pad or resize them."
        )


def boxes_to_maps(boxes: Tensor, height: int, width: int) -> Tensor:
    """Turn the boxes of a batch into target maps.

    Args:
        boxes: (n, b, 4), x0, y0, x1, y1 in pixels, each image's list filled up with NaN.
        height: of the images, in pixels; a multiple of 4.
        width: likewise.

    Returns:
        (n, 7, height / 4, width / 4): heatmap (1 at the cell of a centre, falling off around it as
        a Gaussian that is wider for larger boxes); log of width and height in cells; the way to the
        centre from the cell's corner, right and down, in cells; 1 where a centre is, else 0; and 1
        at a centre and the eight cells around it, which all learn the box (Liu et al.,
        "Training-time-friendly network for real-time object detection", 2020), else 0.

    Raises:
        ValueError: the boxes are not (n, b, 4), or a size is no multiple of 4.
    """
    if boxes.dim() != 3 or boxes.shape[2] != 4:
        raise ValueError(f"The boxes are of shape {tuple(boxes.shape)}, but must be (n, b, 4).")
    check_whole("height", height, STRIDE)
    check_whole("width", width, STRIDE)
    check_size(height, width)
    rows, columns = height // STRIDE, width // STRIDE
    cells = boxes / STRIDE
    real = ~boxes[..., 0].isnan()
    centres = ((cells[..., :2] + cells[..., 2:]) / 2).nan_to_num(-1e6)
    sizes = (cells[..., 2:] - cells[..., :2]).nan_to_num(1.0)
    limit = torch.tensor([columns - 1, rows - 1], device=boxes.device)
    places = torch.where(real[..., None], centres.floor().clamp(min=0).minimum(limit), -1e6)
    spread = (sizes.amin(-1) / 6).clamp(min=0.6)[..., None, None]
    right = torch.arange(columns, device=boxes.device) - places[..., 0, None, None]
    down = torch.arange(rows, device=boxes.device)[:, None] - places[..., 1, None, None]
    heatmap = torch.exp(-(right**2 + down**2) / (2 * spread**2))
    maps = boxes.new_zeros(len(boxes), CHANNELS + 2, rows, columns)
    maps[:, 0] = heatmap.amax(1) if boxes.shape[1] else 0.0
    image, box = real.nonzero(as_tuple=True)
    around = torch.tensor(_AROUND, device=boxes.device)
    places, centres = places[image, box].long()[:, None] + around, centres[image, box][:, None]
    log_sizes = sizes[image, box].log()[:, None].expand(-1, len(_AROUND), -1)
    values = torch.cat([log_sizes, centres - places], -1)
    inside = ((places >= 0) & (places <= limit)).all(-1)
    at_centre = torch.arange(len(_AROUND), device=boxes.device) == len(_AROUND) - 1
    cells = maps.permute(0, 2, 3, 1)  # a view
    for chosen in (inside & ~at_centre, inside & at_centre):  # a centre is never overwritten
        column, row = places[chosen].T
        where = image[chosen.nonzero()[:, 0]], row, column
        cells[..., 1:5][where], cells[..., 6][where] = values[chosen], 1.0
    cells[..., 5][where] = 1.0
    return maps


@torch.no_grad()
def maps_to_detections(
    maps: Tensor,
    *,
    max_detections: int = 20,
    score_threshold: float = 0.01,
    iou_threshold: float = 0.5,
) -> list[Detections]:
    """Turn the outputs of a detector into boxes: the peaks of the heatmap, without duplicates.

    Args:
        maps: (n, 5, rows, columns): logits of the heatmap, log width and height, and the way to the
            centre, in cells.
        max_detections: detections an image at the most.
        score_threshold: the lowest score of a detection, 0 to 1.
        iou_threshold: of two boxes that overlap by more, the one with the lower score is dropped
            (torchvision's non-maximum suppression).

    Returns:
        One `Detections` an image, on the CPU.

    Raises:
        ValueError: the maps are not (n, 5, rows, columns) or hold NaN, or a number is out of its
            range.
    """
    check_whole("max_detections", max_detections, 1)
    check_number("score_threshold", score_threshold, least=0, most=1)
    check_number("iou_threshold", iou_threshold, least=0, most=1)
    if maps.dim() != 4 or maps.shape[1] != CHANNELS:
        shape = tuple(maps.shape)
        raise ValueError(
            f"The maps are of shape {shape}, but must be (n, {CHANNELS}, rows, columns)."
        )
    if maps.isnan().any():  # no comparison holds for NaN: it would look as if nothing were found
        raise ValueError(
            "The detector's output holds NaN: it has diverged, or its images hold NaN."
        )
    heatmap = maps[:, 0].sigmoid()
    peaks = torch.where(heatmap == F.max_pool2d(heatmap, 3, 1, 1), heatmap, 0.0).flatten(1)
    scores, places = peaks.topk(min(max_detections, peaks.shape[1]))
    rows, columns = places // maps.shape[-1], places % maps.shape[-1]
    values = maps.flatten(2).gather(2, places[:, None].expand(-1, CHANNELS, -1))
    half = values[:, 1:3].clamp(-1.0, 4.0).exp() / 2
    centres = torch.stack([columns, rows], 1) + values[:, 3:5]
    boxes = STRIDE * torch.cat([centres - half, centres + half], 1).transpose(1, 2)
    boxes, scores = boxes.cpu(), scores.cpu()
    return [
        suppress(Detections(image_boxes[chosen], image_scores[chosen]), iou_threshold=iou_threshold)
        for image_boxes, image_scores in zip(boxes, scores, strict=True)
        for chosen in [image_scores >= score_threshold]
    ]


class DetectionLoss:
    """Callable: the mean loss an image of a detector's maps against target maps.

    All sums are divided by the number of images, never by that of the ships: a batch with few ships
    or none would blow up.

    Args:
        heatmap_loss: how the heatmap's cells are weighted.
            "cross-entropy": all alike.
            "focal": those that are almost right count little (Lin et al. 2017, in the form of
            Zhou et al. 2019, with exponents 2 and 4).
            "hard examples": of the cells away from a centre, only the tenth with the highest loss
            in the batch (online hard example mining, Shrivastava et al. 2016).

    Raises:
        ValueError: `heatmap_loss` is none of these.
    """

    def __init__(self, heatmap_loss: str = "cross-entropy"):
        kinds = {
            "cross-entropy": cross_entropy,
            "focal": focal,
            "hard examples": hard_examples,
        }
        if heatmap_loss not in kinds:
            names = ", ".join(map(repr, kinds))
            raise ValueError(f"heatmap_loss is {heatmap_loss!r}, but must be one of {names}.")
        self.heatmap_loss = kinds[heatmap_loss]

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
        heatmap = self.heatmap_loss(maps[:, 0], targets[:, 0], centre)
        return (heatmap + BOX_WEIGHT * boxes) / len(maps)


def cross_entropy(logits: Tensor, heatmap: Tensor, centre: Tensor) -> Tensor:
    """Sum the cross-entropy of all cells (n, h, w); cells beside a centre have a soft target."""
    return F.binary_cross_entropy_with_logits(logits, heatmap, reduction="sum")


def focal(logits: Tensor, heatmap: Tensor, centre: Tensor) -> Tensor:
    """Sum the focal loss: at centres (1 - p)^2 log p, elsewhere (1 - heatmap)^4 p^2 log(1 - p).

    It is multiplied by `FOCAL_WEIGHT`.
    """
    p = logits.sigmoid()
    at_centre = centre * (1 - p) ** 2 * F.logsigmoid(logits)
    elsewhere = (1 - centre) * (1 - heatmap) ** 4 * p**2 * F.logsigmoid(-logits)
    return -FOCAL_WEIGHT * (at_centre + elsewhere).sum()


def hard_examples(logits: Tensor, heatmap: Tensor, centre: Tensor) -> Tensor:
    """Sum the cross-entropy of cells on ships, and of the hardest others in the batch."""
    losses = F.binary_cross_entropy_with_logits(logits, heatmap, reduction="none")
    near = heatmap > 0.1
    others = torch.where(near, -1.0, losses).flatten()
    count = round(HARD_FRACTION * int((~near).sum()))
    return (losses * near).sum() + others.topk(count).values.sum()
