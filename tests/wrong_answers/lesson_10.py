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
    "no step": (changed("        optimizer.step()\n", ""), "then `step()`, and no"),
    "the loss returned": (changed("return net.eval()", "return loss"), "Return the net"),
    "labels not cut alike": (changed("labels[rows]", "labels[:50]"), "cut by the same rows"),
    "gradients add up": (changed("        optimizer.zero_grad()\n", ""), "`zero_grad()` in each"),
    "zero_grad before the step": (
        changed("        optimizer.zero_grad()\n", "").replace(
            "        optimizer.step()\n",
            "        optimizer.zero_grad()\n        optimizer.step()\n",
        ),
        "no `zero_grad()` between them",
    ),
    "an LR a hundred times too high": (changed("lr=0.05", "lr=5.0"), "neither tiny nor huge"),
    "batches of 64 that pass the budget": (
        changed("order[: steps * 50].split(50)", "order.split(64)"),
        "count images, not epochs",
    ),
    "accuracy watched with gradients": (
        changed(
            "        optimizer.step()\n",
            "        optimizer.step()\n"
            "        right = (net(images[:500]).argmax(1) == labels[:500]).float().mean()\n",
        ),
        "under `torch.no_grad()`",
    ),
    "half of the budget unspent": (
        changed("order[: steps * 50]", "order[: budget // 2]"),
        "The budget is half of the images here.",
    ),
    "a copy trained, its weights brought back": (
        changed(
            "    steps = ",
            "    import copy\n    given, net = net, copy.deepcopy(net)\n    steps = ",
        ).replace(
            "    return net.eval()",
            "    given.load_state_dict(net.state_dict())\n    return given.eval()",
        ),
        "not a copy, nor `net.net`",
    ),
    "test images among the others": (
        changed(
            "    steps = budget // 50\n",
            "    from course_utils.data import load_images\n"
            "    test = load_images()[1]\n"
            "    images = torch.cat([images, test.images])\n"
            "    labels = torch.cat([labels, test.labels])\n"
            "    steps = budget // 50\n",
        ),
        "Only `images` and `labels` may train the net",
    ),
}
