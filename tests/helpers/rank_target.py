"""What several ranks do, for test_distributed.py, which starts this under torchrun.

    torchrun --standalone --nproc-per-node=3 tests/helpers/rank_target.py FOLDER

The first time, rank 1 kills itself in the middle of a training. The second time the training goes
on to its end, and then all other questions are answered; each rank writes its answers to FOLDER.
The test calls `answers` in its own process as well, to compare. On GPUs there is less to ask.
"""

import sys
import time
from pathlib import Path

import torch
from kill_mining import Pool, mine
from kill_target import Training, kill
from torch import nn

from course_utils.data.device_loader import Augment, DeviceLoader
from course_utils.data.image_dataset import ImageDataset
from course_utils.detection.scenes import Scene, SceneLoader, pack
from course_utils.imbalance.sampling import OversamplingSampler
from course_utils.lr.finder import find_lr
from course_utils.profiles import set_seed
from course_utils.training.device import set_threads
from course_utils.training.distributed import join_ranks, make_step, rank
from course_utils.training.evaluate import evaluate
from course_utils.training.loop import fit

LAST_STEP = 27  # of the killed rank: the seventh of epoch 2, one after a save
SIZE, BATCH = 16, 5  # batches of 5, 5, 5 and 1: no ranks can share them evenly


def make_set(size=SIZE):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (size, 1, 4, 4), dtype=torch.uint8, generator=generator)
    labels = torch.randint(3, (size,), generator=generator)
    return ImageDataset(images, labels, tuple("abc"), (0.5,), (0.3,), "set")


class Double(nn.Module):
    def forward(self, inputs):
        return inputs.double()


def make_model(device="cpu"):
    """Build a model in double precision, without what depends on how a batch is split."""
    set_seed(rank())  # ranks begin apart, and rank 0's weights count
    layers = [nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3)]
    return nn.Sequential(Double(), *layers).double().to(device)


def make_batches(**changes):
    settings = {"batch_size": BATCH, "shuffle": True, "augment": Augment(pad=1), "seed": 1}
    return DeviceLoader(make_set(), **settings | changes)


def gradients_of_steps(device):
    """Take steps on one batch each and one on two; return the gradients and the weights."""
    model = make_model(device)
    optimizer = torch.optim.SGD(model.parameters(), 0.5, momentum=0.9)
    step, steps = make_step(model, optimizer), []
    batches = list(make_batches(device=device))
    for taken in [*([batch] for batch in batches), batches[1:3]]:
        step(*taken)
        steps.append([p.grad.cpu().clone() for p in model.parameters()])
    return {"gradients": steps, "weights": list(model.cpu().state_dict().values())}


def histories(folder, device):
    """Train twice in a row with validation, the second time with a checkpoint of the rank's own."""
    model, path, told = make_model(device), folder / f"own {rank()}.pt", []
    valid = DeviceLoader(make_set(BATCH + 1), batch_size=BATCH)
    settings = {"epochs": 2, "valid_loader": valid, "callbacks": [lambda h: told.append(h.epochs)]}
    found = []
    for extra in ({}, {"checkpoint": path, "save_every": 2}):
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        batches = make_batches(device=device)
        history = vars(fit(model, optimizer, batches, amp=False, **settings, **extra))
        found.append({name: history[name] for name in history if name != "epoch_seconds"})
    lacking = refused(lambda: fit(model, optimizer, batches, **settings, checkpoint=path))
    evaluated = list(evaluate(model, valid))
    return {"told": told, "histories": found, "evaluated": evaluated, "lacking": lacking}


def parts():
    """Return this rank's part of each batch of two epochs, by the kind of batches."""
    data = make_set()
    names = tuple(map(str, range(SIZE)))
    numbered = ImageDataset(data.images, torch.arange(SIZE), names, (0.5,), (0.3,), "set")
    scenes = [
        Scene(str(i), torch.full((3, 64, 64), i, dtype=torch.uint8), torch.empty(0, 4))
        for i in range(12)
    ]
    mix = {"batch_size": BATCH, "steps": 4, "negative_fraction": 0.4, "seed": 1}
    kinds = {
        "in order": DeviceLoader(numbered, batch_size=BATCH),
        "shuffled": DeviceLoader(numbered, batch_size=BATCH, shuffle=True),
        "oversampled": DeviceLoader(
            numbered, batch_size=BATCH, sampler=OversamplingSampler(data.labels)
        ),
        "short ones dropped": DeviceLoader(numbered, batch_size=BATCH, drop_last=True),
        "scenes": SceneLoader(pack(scenes[:8]), pack(scenes[8:]), **mix),
    }
    found = {}
    for kind, batches in kinds.items():
        pairs = [pair for _ in range(2) for pair in batches]
        if kind == "scenes":
            found[kind] = [images[:, 0, 0, 0].tolist() for images, _ in pairs]
        else:
            found[kind] = [labels.tolist() for _, labels in pairs]
    return found


def mined(folder):
    """Mine, then again from a checkpoint in which nothing is left to be done."""
    pool = Pool()
    rounds = {
        "first": mine(pool, folder / "mining.pt"),
        "again": mine(Pool(), folder / "mining.pt"),
    }
    found = {
        name: [[(item.index, item.score) for item in done.found], done.scanned, done.unreadable]
        for name, done in rounds.items()
    }
    return {"mined": found, "read": pool.read}


def refused(call):
    """Return the sentence with which a call is refused, or nothing."""
    try:
        call()
    except (ValueError, FileNotFoundError) as error:
        return str(error)
    return ""


def refusals():
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    batches = list(make_batches())
    return {
        "finder": refused(lambda: find_lr(model, optimizer, make_batches(), steps=4)),
        "lengths": refused(lambda: fit(model, optimizer, batches[rank() :], epochs=1)),
    }


def trained(checkpoint=None):
    """Train the run of kill_target.py; return its end, each rank's own.

    With a checkpoint, rank 1 dies in step `LAST_STEP`, unless it did before.
    """
    training, steps = Training(), 0
    killed = checkpoint and checkpoint.with_name("killed")

    def at_step():
        nonlocal steps
        steps += 1
        if killed and steps == LAST_STEP and rank() == 1 and not killed.exists():
            killed.write_text(str(time.time()))
            kill()

    training.at_step = at_step
    training.fit(checkpoint)
    return training.end()


def answers(folder, device="cpu"):
    """Answer every question about ranks that live."""
    found = {"steps": gradients_of_steps(device), **histories(folder, device)}
    if torch.device(device).type == "cpu":
        found |= {"parts": parts(), **mined(folder), **refusals(), "trained": trained()}
    return found


def main(folder):
    set_threads(1)
    folder = Path(folder)
    with join_ranks() as device:
        resumed = trained(folder / "run.pt") if device.type == "cpu" else None
        found = {"resumed": resumed, **answers(folder, device)}
        torch.save(found, folder / f"rank {rank()} found.pt")


if __name__ == "__main__":
    main(sys.argv[1])
