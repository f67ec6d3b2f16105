"""Wrong answers to lesson 04's exercise that learners really give."""

RIGHT = """
def one_cycle_lr(step, total_steps, max_lr, div=10.0, tail=0.1, final_div=100.0):
    low, last = max_lr / div, total_steps - 1
    leg = last * (1 - tail) / 2
    if step <= leg:
        return low + step / leg * (max_lr - low)
    if step <= 2 * leg or tail == 0:
        return max_lr + (step - leg) / leg * (low - max_lr)
    end = low / final_div
    return low + (step - 2 * leg) / (last - 2 * leg) * (end - low)
"""
INTERPOLATED = """
import numpy as np

def one_cycle_lr(step, total_steps, max_lr, div=10.0, tail=0.1, final_div=100.0):
    low, last = max_lr / div, total_steps - 1
    leg = last * (1 - tail) / 2
    return np.interp(step, [0, leg, 2 * leg, last], [low, max_lr, low, low / final_div])
"""


def changed(old: str, new: str, answer: str = RIGHT) -> str:
    """Put one line of an answer wrong."""
    assert answer.count(old) == 1
    return answer.replace(old, new)


FACTOR = (
    RIGHT.replace("one_cycle_lr", "full_lr")
    + """
def one_cycle_lr(step, total_steps, max_lr, *settings):
    return full_lr(step, total_steps, max_lr, *settings) / max_lr
"""
)
COSINE = changed(
    "return low + step / leg * (max_lr - low)",
    "return low + (1 - np.cos(np.pi * step / leg)) / 2 * (max_lr - low)",
).replace(
    "(step - leg) / leg * (low - max_lr)",
    "(1 - np.cos(np.pi * (step - leg) / leg)) / 2 * (low - max_lr)",
)
NO_TAIL = "the second leg ends on the last step, which has the low LR"
UNROUNDED = "The legs need not be whole steps"

WRONG_ANSWERS = {
    "starts at zero": (
        changed("return low + step / leg * (max_lr - low)", "return step / leg * max_lr"),
        "not at zero",
    ),
    "starts at the peak": (
        changed("low + step / leg * (max_lr - low)", "max_lr + step / leg * (low - max_lr)")
        .replace(
            "max_lr + (step - leg) / leg * (low - max_lr)",
            "low + (step - leg) / leg * (max_lr - low)",
        )
        .replace(
            "return low + (step - 2 * leg) / (last - 2 * leg) * (end - low)",
            "return max_lr + (step - 2 * leg) / (last - 2 * leg) * (end - max_lr)",
        ),
        "yours starts at the peak",
    ),
    "multiplies by div": (changed("max_lr / div", "max_lr * div"), "not multiplied"),
    "counts the steps from one": (
        changed("    leg = last", "    step = step + 1\n    leg = last"),
        "numbered from 0",
    ),
    "intervals miscounted": (
        changed("last = max_lr / div, total_steps - 1", "last = max_lr / div, total_steps"),
        "there are total_steps - 1 intervals",
    ),
    "legs a share of all steps": (
        changed("leg = last * (1 - tail) / 2", "leg = total_steps * (1 - tail) / 2"),
        "there are total_steps - 1 intervals",
    ),
    "forgets the tail in the legs": (
        changed("last * (1 - tail) / 2", "last / 2"),
        "leave the fraction `tail` for the tail",
    ),
    "tail as a number of steps": (
        changed("last * (1 - tail) / 2", "(last - tail) / 2"),
        "not a number of steps",
    ),
    "each leg takes all before the tail": (
        changed("last * (1 - tail) / 2", "last * (1 - tail)"),
        "each takes half of them",
    ),
    "flat tail": (
        changed("return low + (step - 2 * leg) / (last - 2 * leg) * (end - low)", "return low"),
        "it must fall on",
    ),
    "tail from the peak": (
        changed(
            "return low + (step - 2 * leg) / (last - 2 * leg) * (end - low)",
            "return max_lr + (step - 2 * leg) / (last - 2 * leg) * (end - max_lr)",
        ),
        "not at the peak",
    ),
    "tail by a constant factor": (
        changed(
            "return low + (step - 2 * leg) / (last - 2 * leg) * (end - low)",
            "return low * final_div ** -((step - 2 * leg) / (last - 2 * leg))",
        ),
        "straight lines",
    ),
    "final_div of the peak": (
        changed("end = low / final_div", "end = max_lr / final_div"),
        "not at max_lr / final_div",
    ),
    "ends at zero": (changed("end = low / final_div", "end = 0.0"), "final_div, not at zero"),
    "div typed in": (
        changed("low, last = max_lr / div, total", "low, last = max_lr / 10, total"),
        "is one of them typed in as a number?",
    ),
    "returns LambdaLR's factor": (FACTOR, "not its fraction of max_lr"),
    "integer legs": (changed("last * (1 - tail) / 2", "int(last * (1 - tail) / 2)"), UNROUNDED),
    "rounded legs": (changed("last * (1 - tail) / 2", "round(last * (1 - tail) / 2)"), UNROUNDED),
    "legs by whole division": (
        changed("last * (1 - tail) / 2", "last * (1 - tail) // 2"),
        UNROUNDED,
    ),
    "cosines": ("import numpy as np\n" + COSINE, "straight lines"),
    "interpolates without a thought for tail=0": (INTERPOLATED, NO_TAIL),
    "strictly before the end of the cycle": (
        changed("if step <= 2 * leg or tail == 0:", "if step < 2 * leg:"),
        NO_TAIL,
    ),
    "returns the momentum too": (
        changed(
            "return low + step / leg * (max_lr - low)",
            "return low + step / leg * (max_lr - low), 0.9",
        ),
        "The peak is at step 4",
    ),
}
