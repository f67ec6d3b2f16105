"""Trains on crops of an archive and mines it, in a process of its own; prints its peak memory.

python memory_target.py FOLDER     prints MB
"""

import resource
import sys

import torch
from torch.utils.data import Subset

from course_utils.detection import (
    AirbusFolder,
    CropLoader,
    CropPool,
    ShipDetector,
    mine_hard_negatives,
)

if __name__ == "__main__":
    torch.set_num_threads(1)
    images, model = AirbusFolder(sys.argv[1]), ShipDetector()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    for crops, _ in CropLoader(
        CropPool(images, images.with_ships), size=96, batch_size=8, steps=len(images) // 8
    ):
        optimizer.zero_grad()
        model(crops).mean().backward()
        optimizer.step()
    pool = Subset(images, images.without_ships)
    mine_hard_negatives(model, pool, max_negatives=20, batch_size=8, tile=192, overlap=48)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
