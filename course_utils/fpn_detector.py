"""A stronger detector of ships, for the full profile: a ResNet with a feature pyramid."""

from __future__ import annotations

import pickle
from pathlib import Path
from urllib.parse import urlparse

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import ResNet, resnet, resnet18, resnet34
from torchvision.ops import FeaturePyramidNetwork

from course_utils.centre_maps import STRIDE
from course_utils.detector import ShipDetector
from course_utils.downloads import FAILURES, no_long_waits
from course_utils.limits import check_whole

DEPTHS = {
    18: (resnet18, resnet.ResNet18_Weights.IMAGENET1K_V1),
    34: (resnet34, resnet.ResNet34_Weights.IMAGENET1K_V1),
}
STAGES = (64, 128, 256, 512)  # channels at 1/4, 1/8, 1/16 and 1/32 of the image's size


class FpnDetector(nn.Module):
    """Takes and gives what `ShipDetector` does, so that loss, batches, `detect` and mining fit.

    The ResNet (He et al., "Deep residual learning for image recognition", 2016) sees more and more
    of the surroundings, more and more coarsely; the pyramid (Lin et al., "Feature pyramid networks
    for object detection", 2017) brings that back to its finest level, a quarter of the image's
    size. Both are torchvision's; the head on that level is the small detector's own.

    Args:
        depth: of the ResNet, 18 or 34.
        width: channels of the pyramid.
        pretrained: start from torchvision's ImageNet weights, which are downloaded once (45 or
            83 MB).
        rare: the share of cells that the untrained net takes for a centre, as in `ShipDetector`.

    Raises:
        ValueError: there is no such depth, or a number is out of its range.
        FileNotFoundError: the weights are not there and cannot be downloaded, or are damaged.
    """

    def __init__(
        self, *, depth: int = 18, width: int = 64, pretrained: bool = False, rare: float = 0.01
    ):
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"depth is {depth}, but must be one of {', '.join(map(str, DEPTHS))}.")
        check_whole("width", width, 1)
        net = _build(depth, pretrained)
        # The levels that the weights were trained on, times 255: images come as bytes.
        for name, levels in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225))):
            self.register_buffer(name, 255 * torch.tensor(levels)[:, None, None])
        self.stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
        self.stages = nn.ModuleList([net.layer1, net.layer2, net.layer3, net.layer4])
        self.pyramid = FeaturePyramidNetwork(STAGES, width, norm_layer=nn.BatchNorm2d)
        # Only the finest level is asked for; the last convolutions of the others would idle.
        for coarser in range(1, len(STAGES)):
            self.pyramid.layer_blocks[coarser] = nn.Identity()
        self.head = ShipDetector(width=width, rare=rare).head

    def forward(self, images: Tensor) -> Tensor:
        """Map images of levels 0 to 255 (n, 3, h, w) to (n, 5, h / 4, w / 4).

        Raises:
            ValueError: height or width is not a multiple of 4.
        """
        height, width = images.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f"The images have {width} x {height} pixels, but both must be multiples of "
                f"{STRIDE}: crop, pad or resize them."
            )
        features = self.stem((images.float() - self.mean) / self.std)
        levels = {}
        for number, stage in enumerate(self.stages):
            levels[str(number)] = features = stage(features)
        return self.head(F.relu(self.pyramid(levels)["0"]))


def _build(depth: int, pretrained: bool) -> ResNet:
    """Build torchvision's ResNet, with its ImageNet weights if asked for."""
    build, weights = DEPTHS[depth]
    if not pretrained:
        return build()
    try:
        with no_long_waits():
            return build(weights=weights)
    except (*FAILURES, EOFError, pickle.UnpicklingError) as error:
        place = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name
        words = str(error).partition("\n")[0].rstrip(".")
        raise FileNotFoundError(
            f"The ImageNet weights of ResNet-{depth} cannot be loaded ({words}): go online, put a "
            f"sound copy of {weights.url} at {place}, or use pretrained=False."
        ) from error
