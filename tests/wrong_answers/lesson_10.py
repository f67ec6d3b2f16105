"""Wrong answers to lesson 10's exercise that learners really give."""

RIGHT = """
import torch
from torch.nn.functional import cross_entropy

def train_within(net, images, labels, budget):
    steps = budget // 50
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    epochs = budget // len(images) + 1
    order = torch.cat([torch.randperm(len(images)) for _ in range(epochs)])
    for rows in order[: steps * 50].split(50):
        loss = cross_entropy(net(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()
"""


def changed(old: str, new: str) -> str:
    """Put one line of the right answer wrong."""
    assert RIGHT.count(old) == 1
    return RIGHT.replace(old, new)


WRONG_ANSWERS = {
    "whole epochs": (changed("order[: steps * 50]", "order"), "count images, not epochs"),
    "budget counted in batches": (
        changed("budget // 50", "budget").replace("budget // len(images) + 1", "budget"),
        "count images, not epochs",
    ),
    "one epoch, however long the budget": (
        changed("budget // len(images) + 1", "1"),
        "begin a new order where one ends",
    ),
    "test images": (
        changed(
            "    steps = budget // 50\n",
            "    from course_utils.data import load_images\n"
            "    test = load_images()[1]\n"
            "    images, labels = test.images, test.labels\n"
            "    steps = budget // 50\n",
        ),
        "Only `images` and `labels` may train the net",
    ),
    "left in training mode": (changed("net.eval()", "net.train()"), "`net.eval()` before"),
    "no step": (changed("        optimizer.step()\n", ""), "is `optimizer.step()` called"),
    "the loss returned": (changed("return net.eval()", "return loss"), "Return the net"),
    "labels not cut alike": (changed("labels[rows]", "labels[:50]"), "well above guessing"),
}
