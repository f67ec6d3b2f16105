"""Measures how well brightness alone tells lesson 09's simulated scenes from real harbours.

    PYTHONPATH=tools python -m harbours.gap FOLDER      sen2ships, of `make ships`

A small net is given mean, standard deviation, minimum and maximum of the brightness of patches of
32 pixels, and judged on ports and families of scenes that it has not seen: the mean of the shares
of real and of simulated patches that it tells. Patches with black parts (no data) are left out.
"""

import sys
from collections import defaultdict
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from course_utils.detection import AirbusFolder, SimulatedScenes
from course_utils.lessons.data_09 import LOOK_ALIKES

PATCH, COUNT, SPLITS = 32, 500, 5


def numbers_of(scenes) -> list[Tensor]:
    """Return the four numbers of each patch (n, 4), a tensor a port or family."""
    groups = defaultdict(list)
    for scene in scenes:
        grey = scene.image.float().mean(0).unfold(0, PATCH, PATCH).unfold(1, PATCH, PATCH)
        grey = grey.flatten(2).flatten(0, 1)
        grey = grey[(grey == 0).float().mean(1) <= 0.05]
        four = torch.stack([grey.mean(1), grey.std(1), grey.amin(1), grey.amax(1)], 1)
        groups[scene.name.replace("-", "_").partition("_")[0]].append(four)
    return [torch.cat(parts) for parts in groups.values()]


def told_right(kinds: list[list[Tensor]], seed: int) -> float:
    """Train the net on one half of each kind's groups; return its share on the other, 0 to 1."""
    torch.manual_seed(seed)
    orders = [torch.randperm(len(groups)) for groups in kinds]
    train, test = (
        [torch.cat([g[i] for i in o[half::2]]) for g, o in zip(kinds, orders, strict=True)]
        for half in (0, 1)
    )
    norm = nn.BatchNorm1d(4, affine=False, momentum=None)  # by the training patches
    norm(torch.cat(train))
    net = nn.Sequential(norm.eval(), nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(300):
        outputs = [(net(patches), float(kind)) for kind, patches in enumerate(train)]
        terms = [binary_cross_entropy_with_logits(o, torch.full_like(o, k)) for o, k in outputs]
        optimizer.zero_grad()
        sum(terms).backward()
        optimizer.step()
    shares = [((net(patches) > 0) == kind).float().mean() for kind, patches in enumerate(test)]
    return float(sum(shares)) / 2


if __name__ == "__main__":
    scenes = [
        SimulatedScenes(COUNT, kind == "ships", size=96, look_alikes=share)
        for kind, share in LOOK_ALIKES.items()
    ]  # both of the same families
    kinds = [numbers_of(AirbusFolder(sys.argv[1])), numbers_of(chain(*scenes))]
    told = [100 * told_right(kinds, seed) for seed in range(SPLITS)]
    print(f"{sum(told) / SPLITS:.0f} % told right ({min(told):.0f} to {max(told):.0f}), 50 by luck")
