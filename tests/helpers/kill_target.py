"""Trainings that are killed, each in a process of its own: test_checkpoint.py runs this.

    python tests/helpers/kill_target.py CHECKPOINT STEP step|write [CHECKPOINT STEP step|write ...]

Prints by which signal each was ended. The processes are forks, so that PyTorch is imported once.
"""

import os
import random
import signal
import sys
import threading
import time

import torch
from torch import nn

from course_utils.data.device_loader import Augment, DeviceLoader
from course_utils.data.image_dataset import ImageDataset
from course_utils.lr.one_cycle import OneCycle
from course_utils.profiles import rng_state, set_seed
from course_utils.training.device import set_threads
from course_utils.training.loop import fit

EPOCHS, STEPS = 3, 60


class Training:
    """A tiny training whose every part has a state: dropout, batch norm, momentum, 1cycle."""

    def __init__(self):
        set_threads(1)
        set_seed(7)
        images = torch.randint(0, 256, (156, 1, 8, 8), dtype=torch.uint8)
        labels = torch.randint(4, (156,))
        image_set = ImageDataset(images, labels, tuple("abcd"), (0.5,), (0.3,), "kill")
        settings = {"batch_size": 8, "shuffle": True, "seed": 3}
        self.batches = DeviceLoader(image_set, augment=Augment(pad=1), **settings)
        self.valid_loader = DeviceLoader(image_set.subset(torch.arange(30)), batch_size=16)
        self.model = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(),
            nn.Linear(4 * 6 * 6, 4),
        )  # fmt: skip
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.1, momentum=0.9, nesterov=True)
        self.schedule = OneCycle(self.optimizer, 0.2, STEPS)
        self.at_step = lambda: None

    def fit(self, checkpoint=None, save_every=3):
        def lr(optimizer):
            self.at_step()
            return optimizer.param_groups[0]["lr"]

        self.history = fit(
            self.model,
            self.optimizer,
            self.batches,
            epochs=EPOCHS,
            schedule=self.schedule,
            valid_loader=self.valid_loader,
            record={"lr": lr},
            checkpoint=checkpoint,
            save_every=save_every if checkpoint else None,
        )

    def end(self):
        """Return all that a resumed training must have in common with an undisturbed one."""
        parts = (self.model, self.optimizer, self.schedule, self.batches, self.valid_loader)
        history = {k: v for k, v in vars(self.history).items() if k != "epoch_seconds"}
        return [*(part.state_dict() for part in parts), rng_state(), history]


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_soon(seconds):
    time.sleep(seconds)
    kill()


def kill_in_write(file_number):
    os.ftruncate(file_number, os.fstat(file_number).st_size // 2)
    kill()


def train(checkpoint, last_step, where):
    training = Training()
    steps = 0

    def at_step():
        nonlocal steps
        steps += 1
        if where == "write" and steps == last_step:
            os.fsync = kill_in_write
        elif where == "step" and steps == last_step:
            # Anywhere in this step or the next ones, at a time that differs from run to run.
            threading.Thread(target=kill_soon, args=(random.uniform(0, 0.005),)).start()
        elif steps == last_step + 10:
            kill()

    training.at_step = at_step
    training.fit(checkpoint)


def main(arguments):
    Training()  # imports what PyTorch imports late
    while arguments:
        checkpoint, last_step, where, *arguments = arguments
        process = os.fork()
        if not process:
            random.seed()
            train(checkpoint, int(last_step), where)
            os._exit(0)
        print(os.WTERMSIG(os.waitpid(process, 0)[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
