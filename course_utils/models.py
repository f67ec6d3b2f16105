"""The networks of the course: a perceptron, a small CNN for CPUs, and the ResNets of CIFAR-10."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from course_utils._validate import check_whole


def simple_net(inputs: int = 28 * 28, hidden: int = 100, classes: int = 10) -> nn.Sequential:
    """Build the multilayer perceptron of the course's source text: 784-100-10 with ReLU.

    Returns:
        A model from images (n, ...) with `inputs` values each to logits (n, classes).

    Raises:
        ValueError: a size is no whole number of at least 1.
    """
    _check_sizes(inputs=inputs, hidden=hidden, classes=classes)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)
    )


def small_cnn(
    *, channels: int = 1, size: int = 14, width: int = 16, classes: int = 10
) -> nn.Sequential:
    """Build a convolutional net with batch normalization that trains in seconds on a CPU.

    Two 3 x 3 convolutions of stride 2, each with batch normalization and ReLU, then a linear layer.

    Args:
        channels: channels of the images.
        size: height and width of the images in pixels.
        width: channels after the first convolution; the second has twice as many.
        classes: number of classes.

    Returns:
        A model from images (n, channels, size, size) to logits (n, classes).

    Raises:
        ValueError: a size is no whole number of at least 1.
    """
    _check_sizes(channels=channels, size=size, width=width, classes=classes)

    def block(ins: int, outs: int) -> nn.Sequential:
        conv = nn.Conv2d(ins, outs, 3, stride=2, padding=1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(outs), nn.ReLU())

    quarter = math.ceil(size / 4)
    return nn.Sequential(
        block(channels, width),
        block(width, 2 * width),
        nn.Flatten(),
        nn.Linear(2 * width * quarter**2, classes),
    )


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut around them.

    The shortcut is the identity; where the block halves the image and widens the net, it is a
    1 x 1 convolution with batch normalization (option B of He et al. 2016).
    """

    def __init__(self, ins: int, outs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(ins, outs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outs)
        self.conv2 = nn.Conv2d(outs, outs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outs)
        self.shortcut = nn.Sequential()
        if stride != 1 or ins != outs:
            projection = nn.Conv2d(ins, outs, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outs))

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, ins, height, width) to (n, outs, height / stride, width / stride)."""
        features = F.relu(self.norm1(self.conv1(images)))
        return F.relu(self.norm2(self.conv2(features)) + self.shortcut(images))


class CifarResNet(nn.Module):
    """The residual net for 32 x 32 images of He et al. 2016 (arXiv:1512.03385, section 4.2).

    A 3 x 3 convolution, then three stages of (depth - 2) / 6 blocks with 16, 32 and 64 channels,
    global average pooling and a linear layer. Depth 56 has 855,770 parameters; the paper's own
    variant, whose shortcuts have none (option A), has 853,018.

    Convolutions are drawn by Kaiming's normal (He et al. 2015, arXiv:1502.01852), the head as
    PyTorch does: by Kaiming's normal its logits would be too large, and the first loss far above
    that of guessing.

    Args:
        depth: 6 n + 2: 20, 56 and 110 are the published ones.
        channels: channels of the images.
        classes: number of classes.

    Raises:
        ValueError: the depth is not 6 n + 2, or a size no whole number of at least 1.
    """

    def __init__(self, depth: int, *, channels: int = 3, classes: int = 10):
        super().__init__()
        _check_sizes(depth=depth, channels=channels, classes=classes)
        if depth < 8 or (depth - 2) % 6:
            raise ValueError(
                f"depth is {depth}, but must be 6 n + 2 with n of 1 or more: try 20, 56 or 110."
            )
        blocks, width = [], 16
        for stage, outs in enumerate((16, 32, 64)):
            for index in range((depth - 2) // 6):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(ResidualBlock(width, outs, stride))
                width = outs
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, height, width) to logits (n, classes)."""
        return self.head(self.blocks(self.stem(images)))


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        check_whole(name, size, 1)
