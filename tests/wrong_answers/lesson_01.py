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
        "At ['images left out']",
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
    "equal to the smallest": (changed("counts.max()", "counts.min()"), "never less than none"),
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
        "with replacement",
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
        "a result of type bool",
    ),
}
