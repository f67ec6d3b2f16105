"""Wrong answers to lesson 07's exercises that learners really give."""

DRAWN = """
def draw_panels(axes, losses, sizes, valid_losses, accuracies):
    train = []
    for loss, size in zip(losses, sizes):
        train.append(sum(l * s for l, s in zip(loss, size)) / sum(size))
    epochs = range(1, len(train) + 1)
    axes[0].plot(epochs, train, label="training")
    axes[0].plot(epochs, valid_losses, label="validation")
    axes[0].set_ylabel("loss (nats)")
    axes[0].legend()
    axes[1].plot(epochs, accuracies)
    axes[1].set_xlabel("epoch")
    axes[1].set_ylabel("accuracy")
    return train
"""
RIGHT = """
def diagnose(train_losses, valid_losses, chance):
    train, valid = train_losses[-1], valid_losses[-1]
    lowest = min(valid_losses)
    if valid >= chance:
        return "nothing learnt"
    if valid > 1.1 * lowest:
        if train < train_losses[valid_losses.index(lowest)]:
            return "over-fitting"
        return "unstable"
    back = max(1, len(valid_losses) // 4)
    if valid < 0.95 * valid_losses[-1 - back]:
        return "still falling"
    if valid < 0.9 * train:
        return "validation below training"
    return "levelled off"
"""


def changed(old: str, new: str, right: str = RIGHT) -> str:
    """Put one line of a right answer wrong."""
    assert right.count(old) == 1
    return right.replace(old, new)


def drawn(old: str, new: str) -> str:
    """Put one line of the right panels wrong."""
    return changed(old, new, DRAWN)


WEIGHTED = "sum(l * s for l, s in zip(loss, size)) / sum(size)"


WRONG_ANSWERS = {
    "the plain mean": (drawn(WEIGHTED, "sum(loss) / len(loss)"), "Weight each batch's loss by its"),
    "not divided": (drawn(" / sum(size)", ""), "divide it by how many images the epoch has"),
    "divided by batches": (
        drawn("/ sum(size)", "/ len(size)"),
        "divide it by the number of images",
    ),
    "not weighted, but divided by images": (
        drawn(WEIGHTED, "sum(loss) / sum(size)"),
        "multiply it by the batch's size",
    ),
    "all batches as long as the first": (
        drawn("/ sum(size)", "/ (len(size) * size[0])"),
        "the last is shorter",
    ),
    "the last batch alone": (drawn(WEIGHTED, "loss[-1]"), "loss of the epoch's last batch alone"),
    "the short batch left out": (
        drawn(WEIGHTED, "sum(loss[:-1]) / len(loss[:-1]) if len(loss) > 1 else loss[0]"),
        "its images count as well",
    ),
    "epochs from zero": (
        drawn("range(1, len(train) + 1)", "range(len(train))"),
        "The epochs are counted from 0",
    ),
    "no epochs given": (
        drawn("plot(epochs, train,", "plot(train,"),
        "over the epochs 1, 2, ...",
    ),
    "labels swapped": (
        drawn('"training"', '"x"')
        .replace('"validation"', '"training"')
        .replace('"x"', '"validation"'),
        "The labels are swapped",
    ),
    "no labels": (
        drawn(', label="training"', "").replace(', label="validation"', ""),
        "give each `label=...`",
    ),
    "panels swapped": (
        drawn("    train = []", "    axes = axes[::-1]\n    train = []"),
        "the accuracy into axes[1]",
    ),
    "all in one panel": (
        drawn("axes[1].plot", "axes[0].plot"),
        "The accuracy stands in the losses' panel",
    ),
    "drawn by plt": (
        "from matplotlib import pyplot as plt\n"
        + DRAWN.replace("axes[0].plot", "plt.plot").replace("axes[1].plot", "plt.plot"),
        "not by plt.plot(...)",
    ),
    "no accuracy": (
        drawn("    axes[1].plot(epochs, accuracies)\n", ""),
        "The lower panel is empty",
    ),
    "in per cent": (
        drawn("plot(epochs, accuracies)", "plot(epochs, [100 * a for a in accuracies])"),
        "draw them as they come",
    ),
    "no axis labels": (
        drawn('    axes[0].set_ylabel("loss (nats)")\n', ""),
        "An axis has no label",
    ),
    "nothing returned": (drawn("    return train\n", ""), "return the list of the epochs'"),
    "one epoch too few": (
        changed("valid_losses[-1 - back]", "valid_losses[-back]"),
        "One epoch too few",
    ),
    "another spelling": (
        changed('"over-fitting"', '"overfitting"'),
        "Spell the verdict as in the table",
    ),
    "another spelling of the first": (
        changed('"nothing learnt"', '"nothing learned"'),
        "Spell the verdict as in the table",
    ),
    "a gap is taken for over-fitting": (
        changed("if valid > 1.1 * lowest:", "if valid > 1.1 * train:"),
        "A gap between the curves is no over-fitting",
    ),
    "chance comes after over-fitting": (
        changed('    if valid >= chance:\n        return "nothing learnt"\n', "").replace(
            '    return "levelled off"',
            '    return "nothing learnt" if valid >= chance else "levelled off"',
        ),
        "compare with chance before you look for over-fitting",
    ),
    "compared with the first": (
        changed("lowest = min(valid_losses)", "lowest = valid_losses[0]"),
        "not with the first",
    ),
    "any rise": (changed("1.1 * lowest", "lowest"), "A rise of a few per cent is noise"),
    "training since the start": (
        changed("train_losses[valid_losses.index(lowest)]", "train_losses[0]"),
        "Since the first epoch it nearly always has",
    ),
    "training not looked at": (
        changed("if train < train_losses[valid_losses.index(lowest)]:", "if True:"),
        "The training loss did not fall either",
    ),
    "looks back one epoch": (
        changed("back = max(1, len(valid_losses) // 4)", "back = 1"),
        "look back n // 4 epochs",
    ),
    "training decides what still falls": (
        changed("valid < 0.95 * valid_losses[-1 - back]", "train < 0.95 * train_losses[-1 - back]"),
        "Only the validation loss says",
    ),
    "any epoch below": (
        changed(
            "if valid < 0.9 * train:",
            "if any(v < 0.9 * t for v, t in zip(valid_losses, train_losses)):",
        ),
        "only the last epoch counts",
    ),
    "no margin": (changed("valid < 0.9 * train", "valid < train"), "below 0.9 times"),
    "compared with itself": (
        changed("max(1, len(valid_losses) // 4)", "len(valid_losses) // 4"),
        "look back one epoch at least",
    ),
    "a verdict forgotten": (
        changed('        return "unstable"\n', ""),
        "and so does the training loss",
    ),
}
