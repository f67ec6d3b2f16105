"""Wrong answers to lesson 05's exercise that learners really give."""

RIGHT = """
def momentum_at(step, total_steps, lr, tail=0.1, at_low_lr=0.95, at_peak=0.85):
    leg = (total_steps - 1) * (1 - tail) / 2
    if step <= leg:
        momentum = at_low_lr + step / leg * (at_peak - at_low_lr)
    elif step <= 2 * leg:
        momentum = at_peak + (step - leg) / leg * (at_low_lr - at_peak)
    else:
        momentum = at_low_lr
    return momentum, lr / (1 - momentum)
"""


def changed(old: str, new: str) -> str:
    """Put one line of the right answer wrong."""
    assert RIGHT.count(old) == 1
    return RIGHT.replace(old, new)


WRONG_ANSWERS = {
    "up with the LR": (
        changed("tail=0.1, at_low_lr=0.95, at_peak=0.85", "tail=0.1, at_peak=0.95, at_low_lr=0.85"),
        "it must be lowest where the LR is highest",
    ),
    "down only": (
        changed(
            "momentum = at_peak + (step - leg) / leg * (at_low_lr - at_peak)", "momentum = 0.85"
        ).replace("    else:\n        momentum = at_low_lr", "    else:\n        momentum = 0.85"),
        "it must rise again",
    ),
    "no tail": (
        changed("elif step <= 2 * leg:", "elif True:"),
        "The momentum rises on in the tail",
    ),
    "forgets the tail in the legs": (
        changed("(total_steps - 1) * (1 - tail) / 2", "(total_steps - 1) / 2"),
        "leave the fraction `tail` for the tail",
    ),
    "intervals miscounted": (
        changed("(total_steps - 1)", "total_steps"),
        "there are total_steps - 1 intervals",
    ),
    "multiplies": (changed("lr / (1 - momentum)", "lr * (1 - momentum)"), "not multiplied by it"),
    "divides by the momentum": (
        changed("lr / (1 - momentum)", "lr / momentum"),
        "not by momentum",
    ),
    "returns the LR": (changed("lr / (1 - momentum)", "lr"), "This is the LR itself"),
    "effective LR alone": (
        changed("return momentum, lr", "return lr"),
        "Expected the shape (5, 2)",
    ),
    "momenta typed in": (
        changed("momentum = at_low_lr\n", "momentum = 0.95\n"),
        "is one of them typed in as a number?",
    ),
    "integer legs": (
        changed("(total_steps - 1) * (1 - tail) / 2", "int((total_steps - 1) * (1 - tail) / 2)"),
        "do not round them",
    ),
}
