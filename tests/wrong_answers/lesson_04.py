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


def changed(old: str, new: str) -> str:
    """Put one line of the right answer wrong."""
    assert RIGHT.count(old) == 1
    return RIGHT.replace(old, new)


WRONG_ANSWERS = {
    "starts at zero": (
        changed("return low + step / leg * (max_lr - low)", "return step / leg * max_lr"),
        "not at zero",
    ),
    "intervals miscounted": (
        changed("last = max_lr / div, total_steps - 1", "last = max_lr / div, total_steps"),
        "there are total_steps - 1 intervals",
    ),
    "forgets the tail in the legs": (
        changed("last * (1 - tail) / 2", "last / 2"),
        "leave the fraction `tail` for the tail",
    ),
    "flat tail": (
        changed("return low + (step - 2 * leg) / (last - 2 * leg) * (end - low)", "return low"),
        "it must fall on",
    ),
    "final_div of the peak": (
        changed("end = low / final_div", "end = max_lr / final_div"),
        "not at max_lr / final_div",
    ),
    "div typed in": (
        changed("low, last = max_lr / div, total", "low, last = max_lr / 10, total"),
        "is one of them typed in as a number?",
    ),
    "integer legs": (
        changed("last * (1 - tail) / 2", "int(last * (1 - tail) / 2)"),
        "a peak that falls between two steps",
    ),
}
