"""Wrong answers to lesson 01's exercise that learners really give."""

RIGHT = """
import numpy as np

def oversample(labels, rng):
    classes, counts = np.unique(labels, return_counts=True)
    largest = counts.max()
    indices = []
    for number in classes:
        members = np.flatnonzero(labels == number)
        copies = rng.choice(members, largest - len(members))
        indices += [members, copies]
    return np.concatenate(indices)
"""


def changed(old: str, new: str) -> str:
    """Put one line of the right answer wrong."""
    assert RIGHT.count(old) == 1
    return RIGHT.replace(old, new)


COPIES = "rng.choice(members, largest - len(members))"

WRONG_ANSWERS = {
    "as WeightedRandomSampler": (
        """
import numpy as np

def oversample(labels, rng):
    classes, counts = np.unique(labels, return_counts=True)
    weights = 1 / counts[np.searchsorted(classes, labels)]
    size = len(classes) * counts.max()
    return rng.choice(len(labels), size, p=weights / weights.sum())
""",
        "and misses images",
    ),
    "draws whole classes anew": (
        changed("indices += [members, copies]", "indices.append(rng.choice(members, largest))"),
        "leaves images out",
    ),
    "copies only": (
        changed("indices += [members, copies]", "indices.append(copies)"),
        "every image of the set must be there as well",
    ),
    "too many": (changed("largest - len(members)", "largest"), "as many copies as a class lacks"),
    "equal to the smallest": (changed("counts.max()", "counts.min()"), "never less than 0"),
    "the class with most in place of its size": (
        changed("counts.max()", "counts.argmax()"),
        "never less than 0",
    ),
    "the difference reversed": (
        changed(COPIES, "rng.choice(members, len(members) - largest)"),
        "never less than 0",
    ),
    "np.where returns a tuple": (changed("np.flatnonzero(", "np.where("), "returns a tuple"),
    "np.argwhere returns rows": (changed("np.flatnonzero(", "np.argwhere("), "a row for each"),
    "an array of arrays": (changed("np.concatenate(", "np.array("), "have different lengths"),
    "a list of arrays": (
        changed("return np.concatenate(indices)", "return indices"),
        "have different lengths",
    ),
    "an array with a row a class": (
        changed(
            "indices += [members, copies]", "indices.append(np.append(members, copies))"
        ).replace("np.concatenate(", "np.array("),
        "a row for each class",
    ),
    "np.append to an empty list": (
        changed(
            "indices += [members, copies]",
            "indices = np.append(indices, members)\n        indices = np.append(indices, copies)",
        ).replace("np.concatenate(indices)", "indices"),
        "makes floats",
    ),
    "integers of positions": (
        changed(COPIES, "rng.integers(members, largest - len(members))"),
        "draws numbers below a bound",
    ),
    "a class number as a position": (
        changed(COPIES, "rng.choice(members, largest - counts[number])"),
        "k-th class that occurs",
    ),
    "ten classes taken for granted": (
        changed("for number in classes:", "for number in range(10):"),
        "Not every class number need occur",
    ),
    "return inside the loop": (
        changed("    return np.concatenate(indices)", "        return np.concatenate(indices)"),
        "after the loop",
    ),
    "each image copied once at most": (
        changed(COPIES, "rng.permutation(members)[: largest - len(members)]"),
        "*with* replacement",
    ),
    "weights by torch": (
        """
import numpy as np
import torch

def oversample(labels, rng):
    labels = torch.as_tensor(labels)
    counts = labels.bincount()
    weights = 1 / counts[labels]
    return torch.multinomial(weights, int((counts > 0).sum() * counts.max()), replacement=True)
""",
        "and misses images",
    ),
    "Python's own generator": (
        """
import random
import numpy as np

def oversample(labels, rng):
    parts = []
    largest = np.bincount(labels).max()
    for number in np.unique(labels):
        members = np.flatnonzero(labels == number).tolist()
        parts += members + random.choices(members, k=largest - len(members))
    return parts
""",
        "no other generator",
    ),
    "undersampling": (
        """
import numpy as np

def oversample(labels, rng):
    classes, counts = np.unique(labels, return_counts=True)
    smallest = counts.min()
    parts = [rng.choice(np.flatnonzero(labels == c), smallest, replace=False) for c in classes]
    return np.concatenate(parts)
""",
        "throws images of the large classes away",
    ),
    "positions within the class": (
        changed(COPIES, "rng.choice(len(members), largest - len(members))"),
        "from the class's positions in `labels`",
    ),
    "no class may be absent": (
        changed("for number in classes:", "for number in range(len(classes)):"),
        "Not every class number need occur",
    ),
    "without replacement": (
        changed("largest - len(members))", "largest - len(members), replace=False)"),
        "*with* replacement",
    ),
    "whole repeats": (
        changed(
            "indices += [members, copies]",
            "indices.append(np.repeat(members, largest // len(members)))",
        ),
        "only where the sizes divide",
    ),
    "copies in turn": (
        changed("indices += [members, copies]", "indices.append(np.resize(members, largest))"),
        "that is given",
    ),
    "a generator of its own": (
        changed(COPIES, COPIES.replace("rng", "np.random.default_rng(0)")),
        "that is given",
    ),
    "numpy's global generator": (
        changed(COPIES, COPIES.replace("rng", "np.random")),
        "no other generator",
    ),
    "one image copied": (
        changed(COPIES, "np.repeat(rng.choice(members), largest - len(members))"),
        "Draw each copy by itself",
    ),
    "returns labels": (
        changed("return np.concatenate(indices)", "return labels[np.concatenate(indices)]"),
        "return positions in `labels`",
    ),
    "a mask": (
        "def oversample(labels, rng):\n    return labels == labels.max()\n",
        "got 'bool of shape (6,)'",
    ),
}
