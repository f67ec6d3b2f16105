"""Exercise and quiz of lesson 09, hard negatives."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from course_utils.teaching import Case, Exercise, number_questions


def _mining_round(
    model: nn.Module,
    pool: Tensor,
    ships: int,
    most: int,
    half: int,
    *,
    mistake: str | None = None,
) -> list:
    """Solve the exercise, or make one of the mistakes that learners make."""
    if mistake == "left in training":
        model.train()
    else:
        model.eval()
    with torch.no_grad():
        maps = torch.cat([model(images) for images in pool.split(64)])
    if mistake == "all channels":
        score = maps.amax((1, 2, 3))
    elif mistake == "mean":
        score = maps[:, 0].mean((1, 2))
    elif mistake == "mean of probabilities":
        score = maps[:, 0].sigmoid().mean((1, 2))
    elif mistake == "sum over threshold":
        score = (maps[:, 0].sigmoid() > 0.5).float().sum((1, 2))
    else:
        score = maps[:, 0].amax((1, 2))
    order = score.argsort(descending=mistake != "easiest", stable=True).tolist()
    if mistake == "cut at a half":
        order = [i for i in order if float(score[i].sigmoid()) >= 0.5]
    hard = order if mistake == "no limit" else order[:most]
    if mistake == "sorted":
        hard = sorted(hard)
    batches = []
    for start in range(0, ships, half):
        rows = list(range(start, start + half))
        if mistake == "always the hardest":
            chosen = [hard[j % len(hard)] for j in range(half)]
        elif mistake == "stops":
            chosen = hard[start : start + half]
        else:
            chosen = [hard[(start + j) % len(hard)] for j in range(half)]
        if mistake == "positions":
            chosen = [(start + j) % len(hard) for j in range(half)]
        batches.append((chosen, rows) if mistake == "swapped" else (rows, chosen))
    if mistake == "one list":
        return [rows + chosen for rows, chosen in batches]
    if mistake == "hard alone":
        return hard
    return batches


MISTAKES = {
    "easiest": "These are the images with the lowest heat: the highest ones are the hardest.",
    "left in training": "The model was scored in training mode: call model.eval() first.",
    "all channels": "The largest value of all five channels was taken: the heatmap is channel 0, "
    "the others are sizes and offsets.",
    "mean": "The heat was averaged over the image: one hot cell is one false alarm, so take the "
    "highest.",
    "mean of probabilities": "The heat was averaged over the image: one hot cell is one false "
    "alarm, so take the highest.",
    "sum over threshold": "Cells above a half were counted: rank by the highest heat of each "
    "image.",
    "cut at a half": "A fixed threshold was applied: a detector's scores may all be low, or all "
    "be high; take the `most` highest, wherever they lie.",
    "no limit": "More than `most` images of the pool are used: cut the ranking.",
    "sorted": "The mined images come in the order of the pool: the hardest comes first.",
    "always the hardest": "Every batch gets the same images: go on through the mined ones from "
    "batch to batch.",
    "stops": "The mined images run out: begin again with the hardest.",
    "positions": "These are positions in the ranking: return rows of the pool.",
    "swapped": "The two halves are swapped: ship rows first, then rows of the pool.",
    "one list": "Each batch is one list: return a pair, rows of ships and rows of the pool.",
    "hard alone": "This is the ranking alone: return a list of batches, each a pair of rows.",
}


class Heat(nn.Module):
    """A detector for the check: its heat is the brightness of each cell of 4 pixels.

    In training mode the last image is hotter, as batch norm makes the answer depend on the batch.
    Its sizes and offsets are large where the image is red.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Return maps (n, 5, h / 4, w / 4) of images (n, 3, h, w)."""
        cells = nn.functional.avg_pool2d(images.float(), 4)
        heat = (cells[:, 1:2] - 128) / 16
        if self.training:
            heat[-1] += 8
        return torch.cat([heat, cells[:, :1].expand(-1, 4, -1, -1) / 4], 1)


def _pool(*images: tuple) -> Tensor:
    """Make images of 8 x 8 pixels from the levels of their four cells, and a level of red."""
    pool = torch.zeros(len(images), 3, 8, 8, dtype=torch.uint8)
    for image, (red, *levels) in zip(pool, images, strict=True):
        image[0] = red
        cells = torch.tensor(levels, dtype=torch.uint8).view(2, 2)
        image[1] = cells.repeat_interleave(4, 0).repeat_interleave(4, 1)
    return pool


_FOUR = _pool((0, 150, 40, 10, 10), (0, 30, 20, 20, 20), (0, 20, 250, 200, 20), (0, 60, 20, 20, 20))
_FIVE = _pool(
    (250, 130, 130, 20, 20),
    (0, 100, 100, 240, 100),
    (90, 170, 170, 140, 10),
    (200, 30, 30, 30, 30),
    (0, 200, 0, 0, 0),
)
_DIM = _pool((0, 50, 10, 10, 10), (0, 30, 80, 10, 10), (0, 40, 40, 60, 10), (0, 90, 10, 10, 10))

EXERCISE = Exercise(
    lesson="09",
    name="mining_round",
    reference=_mining_round,
    cases=[
        Case(
            "four images, two of them wanted, one beside each ship image",
            (Heat(), _FOUR, 2, 2, 1),
            hint="`score.argsort(descending=True)[:most]` has the hardest images.",
        ),
        Case(
            "two of four images, two batches of 2 + 2",
            (Heat(), _FOUR, 4, 2, 2),
            hint="Batch b has ship rows b * half, b * half + 1, …, and as many mined rows.",
        ),
        Case("five images, some of them red", (Heat(), _FIVE, 6, 3, 2)),
        Case("a cautious detector, whose heat is low everywhere", (Heat(), _DIM, 4, 3, 2)),
        Case("more mined images than one batch takes", (Heat(), _FIVE, 8, 5, 4)),
    ],
    mistakes=[(partial(_mining_round, mistake=name), words) for name, words in MISTAKES.items()],
)

QUIZ = number_questions(
    "09",
    {
        "question": "Why does mining help more than as many random images without ships?",
        "options": {
            "A": "Most images without ships are easy: random ones teach little that is new.",
            "B": "Mined images are brighter, which helps the normalisation.",
            "C": "It trains for more steps.",
        },
        "correct": "A",
        "why": "Look-alikes are rare in the pool. Steps and numbers of images were the same: only "
        "the choice differed.",
    },
    {
        "question": "After mining, one detector raises half as many false alarms as another, both "
        "at the threshold 0.5. What do you know?",
        "options": {
            "A": "It is twice as good.",
            "B": "Little: its scores may simply be lower, and it may find fewer ships too.",
            "C": "The other one needs a focal loss.",
        },
        "correct": "B",
        "why": "Compare at equal recall, each at its own threshold, on images of other places.",
    },
    {
        "question": "You mined 200 images from a pool that people have labelled. What comes first?",
        "options": {
            "A": "Train at once: what was found there is false by definition.",
            "B": "Mine a second round.",
            "C": "Look at them: ships that the labels forgot rank high.",
        },
        "correct": "C",
        "why": "'False by definition' holds only for perfect labels. Audit the hardest first.",
    },
)
