"""Wrong answers to lesson 07's exercise that learners really give."""

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


def changed(old: str, new: str) -> str:
    """Put one line of the right answer wrong."""
    assert RIGHT.count(old) == 1
    return RIGHT.replace(old, new)


WRONG_ANSWERS = {
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
