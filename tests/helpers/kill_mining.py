"""Scans that are killed, each in a process of its own: test_mining.py runs this.

    python kill_mining.py CHECKPOINT INDEX scene|write [CHECKPOINT INDEX scene|write ...]

Each is killed when it reads the scene of that index, or in the first write of a checkpoint after
that. Prints by which signal each was ended. The processes are forks, so that PyTorch is imported
once.
"""

import os
import sys

from kill_target import kill, kill_in_write

from course_utils.detection.mining import mine_hard_negatives
from course_utils.detection.models import ShipDetector
from course_utils.detection.synthetic import SimulatedScenes
from course_utils.profiles import set_seed
from course_utils.training.device import set_threads


class Pool:
    """Scenes without ships, one of them broken; notes which are read."""

    def __init__(self):
        self.scenes = SimulatedScenes(150, ships=False, look_alikes=0.5, size=64)
        self.read = []
        self.at_scene = lambda index: None

    def __len__(self):
        return len(self.scenes)

    def __getitem__(self, index):
        self.at_scene(index)
        self.read.append(index)
        if index == 13:
            raise ValueError("scene 13 is broken")
        return self.scenes[index]


def mine(pool, checkpoint=None):
    """Mine with a detector that was never trained, which finds something in every scene."""
    set_threads(1)
    set_seed(0)
    model = ShipDetector(width=8, prior=0.3)
    settings = {"max_negatives": 20, "exclude": range(40, 50), "batch_size": 4, "save_every": 3}
    return mine_hard_negatives(model, pool, checkpoint=checkpoint, **settings)


def scan(checkpoint, last_index, where):
    pool = Pool()

    def at_scene(index):
        if index == last_index and where == "write":
            os.fsync = kill_in_write
        elif index == last_index:
            kill()

    pool.at_scene = at_scene
    mine(pool, checkpoint)


def main(arguments):
    while arguments:
        checkpoint, last_index, where, *arguments = arguments
        process = os.fork()
        if not process:
            scan(checkpoint, int(last_index), where)
            os._exit(0)
        print(os.WTERMSIG(os.waitpid(process, 0)[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
