"""Wrong answers to lesson 05's exercise that learners really give."""

RIGHT = """
def set_step(optimizer, lr, peak, at_low_lr=0.95, at_peak=0.85):
    low = peak / 10
    rise = max(0, (lr - low) / (peak - low))
    momentum = at_low_lr + rise * (at_peak - at_low_lr)
    for group in optimizer.param_groups:
        group["lr"] = lr
        if "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
        else:
            group["momentum"] = momentum
    return lr, momentum
"""


def changed(old: str, new: str) -> str:
    """Put one line of the right answer wrong."""
    assert RIGHT.count(old) == 1
    return RIGHT.replace(old, new)


RETURN = "return lr, momentum"
LOOP = "for group in optimizer.param_groups:"
BETAS = 'group["betas"] = (momentum, group["betas"][1])'
LINE = "momentum = at_low_lr + rise * (at_peak - at_low_lr)"
RISE = "rise = max(0, (lr - low) / (peak - low))"
PAIR = "Return a pair: the learning rate, then the momentum"

WRONG_ANSWERS = {
    "momentum alone": (changed(RETURN, "return momentum"), PAIR),
    "LR alone": (changed(RETURN, "return lr"), PAIR),
    "pair the wrong way round": (
        changed(RETURN, "return momentum, lr"),
        "Return the learning rate first",
    ),
    "effective LR returned": (
        changed(RETURN, "return lr / (1 - momentum), momentum"),
        "Return the LR itself",
    ),
    "sets, but returns nothing": (
        changed(RETURN, "pass"),
        "nothing is returned",
    ),
    "cosine in place of a straight line": (
        changed(LINE, "import math\n    rise = (1 - math.cos(math.pi * rise)) / 2\n    " + LINE),
        "in a straight line",
    ),
    "up with the LR": (
        changed(LINE, "momentum = at_peak + rise * (at_low_lr - at_peak)"),
        "it must be lowest where the LR is highest",
    ),
    "share of the peak": (
        changed(RISE, "rise = lr / peak"),
        "count the rise from there",
    ),
    "divided by the peak": (
        changed(RISE, "rise = max(0, (lr - low) / peak)"),
        "divide by that",
    ),
    "low LR typed in": (
        changed("low = peak / 10", "low = 0.1").replace("(peak - low)", "0.9"),
        "whatever the peak is",
    ),
    "no end in the tail": (
        changed(RISE, "rise = (lr - low) / (peak - low)"),
        "in the tail, the momentum stays",
    ),
    "attributes of the optimizer": (
        changed(LOOP, "optimizer.lr, optimizer.momentum = lr, momentum\n    for group in []:"),
        "write into each group of optimizer.param_groups",
    ),
    "defaults of the optimizer": (
        changed(LOOP, 'optimizer.defaults["momentum"] = momentum\n    for group in []:'),
        "write into each group of optimizer.param_groups",
    ),
    "LR forgotten": (changed('group["lr"] = lr', "pass"), "set 'lr' in the group too"),
    "effective LR set": (
        changed('group["lr"] = lr', 'group["lr"] = lr / (1 - momentum)'),
        "Set the LR itself",
    ),
    "first group alone": (changed(LOOP, LOOP[:-1] + "[:1]:"), "Only the first parameter group"),
    "momentum for Adam": (
        changed(BETAS, 'group["momentum"] = momentum'),
        "Adam does not read 'momentum'",
    ),
    "one value for a pair": (changed(BETAS, 'group["betas"] = momentum'), "'betas' is a pair"),
    "a tuple changed in part": (
        changed(BETAS, 'group["betas"][0] = momentum'),
        "a tuple, which cannot be changed in part",
    ),
    "betas asked of SGD": (
        changed('if "betas" in group:', "if True:"),
        "SGD's groups have no 'betas'",
    ),
    "both betas": (changed(BETAS, 'group["betas"] = (momentum, momentum)'), "Only the first of"),
    "second beta typed in": (
        changed(BETAS, 'group["betas"] = (momentum, 0.999)'),
        "Keep the second beta that is there",
    ),
    "momenta typed in": (
        changed(LINE, "momentum = 0.95 - 0.1 * rise"),
        "typed in as a number",
    ),
    "one value in a tuple": (changed(BETAS, 'group["betas"] = (momentum,)'), "'betas' is a pair"),
    "second beta": (
        changed(BETAS, 'group["betas"] = (group["betas"][0], momentum)'),
        "The first of 'betas' is the momentum",
    ),
    "rounded": (
        changed(LINE, "momentum = round(at_low_lr + rise * (at_peak - at_low_lr), 1)"),
        "0.95, 0.925, 0.85, 0.925 and 0.95",
    ),
}
