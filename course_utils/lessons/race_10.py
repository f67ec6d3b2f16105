"""Lesson 10's race: its net, the recipes that its ladder compares, and how they train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torch.utils.data import DataLoader, Dataset

from course_utils.data import Augment, DeviceLoader, ImageDataset
from course_utils.lr import OneCycle
from course_utils.training import AveragedWeights, evaluate, set_seed


class MatrixConv(nn.Module):
    """A 3 x 3 convolution that holds its weight as a matrix, as `torch.optim.Muon` wants it.

    Its input is normalised again after it, so it needs no bias.
    """

    def __init__(self, ins: int, outs: int, stride: int = 1):
        super().__init__()
        drawn = nn.Conv2d(ins, outs, 3, bias=False).weight
        self.weight = nn.Parameter(drawn.detach().flatten(1))
        self.ins, self.stride = ins, stride

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, ins, height, width) to (n, outs, height / stride, width / stride)."""
        kernel = self.weight.view(-1, self.ins, 3, 3)
        return F.conv2d(images, kernel, stride=self.stride, padding=1)


def race_net(channels: int, size: int, width: int) -> nn.Sequential:
    """Build the race's net: three convolutions with batch normalization, and a linear layer.

    Returns:
        A model from images (n, channels, size, size) to logits (n, 10).
    """

    def block(ins: int, outs: int, stride: int) -> tuple[nn.Module, ...]:
        return MatrixConv(ins, outs, stride), nn.BatchNorm2d(outs), nn.ReLU()

    return nn.Sequential(
        *block(channels, width, 2),
        *block(width, 2 * width, 2),
        *block(2 * width, 4 * width, 1),
        nn.Flatten(),
        nn.Linear(4 * width * (size // 4) ** 2, 10),
    )


@dataclass(frozen=True)
class Recipe:
    """A way to train; each rung of the ladder changes one thing of it.

    Attributes:
        on_device: the set lies on the device as one tensor; else a DataLoader reads each image.
        lr: learning rate of SGD; the highest, where a schedule changes it.
        momentum: of SGD.
        channels_last: images lie in memory pixel by pixel, not channel by channel.
        batch_size: images a step.
        schedule: "constant", "linear decay" (to zero) or "1cycle".
        flip: half of the images are mirrored.
        smoothing: of the labels.
        average: how many steps the weights' moving average looks back; 0 for none.
        muon: learning rate of Muon for the inner convolutions; 0 leaves them to SGD.
    """

    on_device: bool = True
    lr: float = 0.01
    momentum: float = 0.0
    channels_last: bool = False
    batch_size: int = 64
    schedule: str = "constant"
    flip: bool = False
    smoothing: float = 0.0
    average: float = 0.0
    muon: float = 0.0

    def net(self, images: ImageDataset, width: int, device: torch.device) -> nn.Module:
        """Build the net for these images."""
        channels, size = images.images.shape[1:3]
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return race_net(channels, size, width).to(device, memory_format=layout)

    def batches(self, images: ImageDataset, seed: int, device: torch.device) -> Iterator:
        """Yield batches (images, labels) without end, in an order that the seed decides."""
        if self.on_device:
            loader = DeviceLoader(
                images,
                batch_size=self.batch_size,
                device=device,
                shuffle=True,
                augment=Augment(pad=0) if self.flip else None,
                drop_last=True,
                seed=seed,
            )
        else:
            loader = one_by_one(images, self.batch_size, seed)
        for pixels, labels in chain.from_iterable(repeat(loader)):
            if self.channels_last:
                pixels = pixels.contiguous(memory_format=torch.channels_last)
            yield pixels.to(device), labels.to(device)

    def optimizers(self, net: nn.Sequential) -> list[torch.optim.Optimizer]:
        """Return SGD over the net, or over what Muon leaves to it, and Muon."""
        inner = [layer.weight for layer in net[1:] if isinstance(layer, MatrixConv)]
        rest = [weight for weight in net.parameters() if not any(weight is one for one in inner)]
        if not self.muon:
            inner, rest = [], list(net.parameters())
        optimizers = [torch.optim.SGD(rest, lr=self.lr, momentum=self.momentum)]
        if inner:
            optimizers.append(torch.optim.Muon(inner, lr=self.muon, weight_decay=0))
        return optimizers

    def schedules(self, optimizers: Sequence, steps: int) -> list[LRScheduler]:
        """Return what changes each optimizer's learning rate over the steps."""
        if self.schedule == "1cycle":
            return [OneCycle(one, one.param_groups[0]["lr"], steps) for one in optimizers]
        falls = self.schedule == "linear decay"
        return [LambdaLR(one, lambda step: 1 - falls * step / steps) for one in optimizers]


class _Photographs(Dataset):
    """A set as torchvision's are: PIL images, each turned into a tensor when asked for."""

    def __init__(self, images: ImageDataset):
        from torchvision.transforms import functional  # seconds, for the textbook's loader alone

        self.images, self.transforms = images, functional
        self.pictures = [functional.to_pil_image(image) for image in images.images]

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pixels = self.transforms.to_tensor(self.pictures[index])
        normalised = self.transforms.normalize(pixels, self.images.mean, self.images.std)
        return normalised, int(self.images.labels[index])


def one_by_one(images: ImageDataset, batch_size: int, seed: int) -> DataLoader:
    """Return the textbook's DataLoader: ToTensor and Normalize, an image at a time."""
    order = torch.Generator().manual_seed(seed)
    photographs = _Photographs(images)
    return DataLoader(
        photographs, batch_size=batch_size, shuffle=True, drop_last=True, generator=order
    )


def accuracies(
    recipe: Recipe,
    images: ImageDataset,
    measured: DeviceLoader,
    budgets: Sequence[int],
    *,
    width: int,
    seed: int,
) -> Iterator[float]:
    """Train a fresh net by a recipe, and measure it after each budget.

    Args:
        recipe: how to train. A schedule ends at the last budget.
        images: to train on.
        measured: to measure on, on the device that trains.
        budgets: how many images to train on, in rising order; whole batches.
        width: of the net, in channels after the first convolution.
        seed: of weights and order.

    Yields:
        The accuracy in % after each budget.
    """
    set_seed(seed)
    device = measured.dataset.images.device
    net = recipe.net(images, width, device)
    optimizers = recipe.optimizers(net)
    steps = budgets[-1] // recipe.batch_size
    schedules = recipe.schedules(optimizers, steps)
    average = AveragedWeights(net, decay=1 - 1 / recipe.average) if recipe.average else None
    batches = islice(recipe.batches(images, seed, device), steps)
    for step, (pixels, labels) in enumerate(batches, start=1):
        loss = F.cross_entropy(net(pixels), labels, label_smoothing=recipe.smoothing)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        if average:
            average.after_step()
        if step * recipe.batch_size in budgets:
            yield 100 * evaluate(average.model if average else net, measured)[1]
