"""Wrong answers to lesson 02's exercise that learners really give."""

RIGHT = """
def lr_range_test(step, min_lr, max_lr, steps, beta, stop_ratio):
    factor = (max_lr / min_lr) ** (1 / (steps - 1))
    lr, average, best = min_lr, 0.0, float("inf")
    lrs, smoothed_losses = [], []
    for t in range(1, steps + 1):
        average = beta * average + (1 - beta) * step(lr)
        smoothed = average / (1 - beta**t)
        if smoothed > stop_ratio * best:
            break
        best = min(best, smoothed)
        lrs.append(lr)
        smoothed_losses.append(smoothed)
        lr *= factor
    return lrs, smoothed_losses
"""


def changed(old: str, new: str) -> str:
    """Put one line of the right answer wrong."""
    assert RIGHT.count(old) == 1
    return RIGHT.replace(old, new)


WRONG_ANSWERS = {
    "one gap too many": (changed("(1 / (steps - 1))", "(1 / steps)"), "steps - 1 gaps"),
    "linear": (
        changed("lr *= factor", "lr += (max_lr - min_lr) / (steps - 1)"),
        "multiply it by a constant factor",
    ),
    "no bias correction": (
        changed("average / (1 - beta**t)", "average"),
        "The bias correction is missing",
    ),
    "counts from zero": (
        changed("range(1, steps + 1)", "range(steps)"),
        "count t from 1",
    ),
    "correction kept in the average": (
        changed(
            "smoothed = average / (1 - beta**t)", "average = smoothed = average / (1 - beta**t)"
        ),
        "Correct a copy",
    ),
    "best never updated": (
        changed("best = min(best, smoothed)", "best = smoothed if t == 1 else best"),
        "compare with the lowest so far",
    ),
    "best starts at zero": (
        changed('best = min_lr, 0.0, float("inf")', "best = min_lr, 0.0, 0.0"),
        "start with best = float('inf')",
    ),
    "stops on nothing": (
        changed("if smoothed > stop_ratio * best:", "if False:"),
        "goes on after the explosion",
    ),
    "returns the average of nothing": (
        "def lr_range_test(step, min_lr, max_lr, steps, beta, stop_ratio):\n    return [], []\n",
        "Expected the shape (2, 5), got the shape (2, 0)",
    ),
    "forgets to multiply": (
        changed("        lr *= factor\n", ""),
        "The learning rates are 0.0001, 0.001, 0.01, 0.1 and 1",
    ),
    "power without brackets": (
        changed("(max_lr / min_lr) ** (1 / (steps - 1))", "max_lr / min_lr ** (1 / (steps - 1))"),
        "divide first: (max_lr / min_lr)",
    ),
    "correction without brackets": (
        changed("average / (1 - beta**t)", "average / 1 - beta**t"),
        "Brackets are missing around 1 - beta**t",
    ),
    "beta at the new loss": (
        changed("beta * average + (1 - beta) * step(lr)", "(1 - beta) * average + beta * step(lr)"),
        "The weights are exchanged",
    ),
    "average starts at the first loss": (
        changed(
            "average = beta * average + (1 - beta) * step(lr)",
            "x = step(lr)\n        average = x if t == 1 else beta * average + (1 - beta) * x",
        ),
        "starts at the first loss",
    ),
    "stop relative to the last": (
        changed("best = min(best, smoothed)", "best = smoothed"),
        "stop_ratio times the lowest",
    ),
    "appends before it stops": (
        changed("        if smoothed > stop_ratio * best:\n            break\n", "").replace(
            "        lr *= factor\n",
            "        if smoothed > stop_ratio * best:\n            break\n        lr *= factor\n",
        ),
        "stop before appending",
    ),
    "raw loss decides": (
        changed(
            "average = beta * average + (1 - beta) * step(lr)",
            "loss = step(lr)\n        average = beta * average + (1 - beta) * loss",
        ).replace("if smoothed > stop_ratio", "if loss > stop_ratio"),
        "it is the smoothed loss that decides",
    ),
    "raw losses returned": (
        changed(
            "average = beta * average + (1 - beta) * step(lr)",
            "loss = step(lr)\n        average = beta * average + (1 - beta) * loss",
        ).replace("smoothed_losses.append(smoothed)", "smoothed_losses.append(loss)"),
        "These are the raw losses",
    ),
    "logarithms": (
        "import math\n" + changed("lrs.append(lr)", "lrs.append(math.log10(lr))"),
        "return the learning rates",
    ),
    "returns in the loop": (
        changed("        lr *= factor\n    return", "        lr *= factor\n        return"),
        "Expected the shape (2, 5), got the shape (2, 1)",
    ),
    "pairs": (
        changed("return lrs, smoothed_losses", "return list(zip(lrs, smoothed_losses))"),
        "two lists",
    ),
    "step without a learning rate": (
        changed("step(lr)", "step()"),
        "missing 1 required positional",
    ),
}
