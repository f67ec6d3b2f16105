"""Wrong answers to lesson 03's exercise that learners really give."""

RIGHT = """
def adam_step(w, gradient, state, lr, beta1, beta2, eps):
    state["t"] += 1
    state["m"] = beta1 * state["m"] + (1 - beta1) * gradient
    state["v"] = beta2 * state["v"] + (1 - beta2) * gradient**2
    m = state["m"] / (1 - beta1 ** state["t"])
    v = state["v"] / (1 - beta2 ** state["t"])
    return w - lr * m / (v**0.5 + eps)
"""


def changed(*changes: tuple[str, str]) -> str:
    """Put lines of the right answer wrong."""
    answer = RIGHT
    for old, new in changes:
        assert answer.count(old) == 1
        answer = answer.replace(old, new)
    return answer


WRONG_ANSWERS = {
    "uphill": (changed(("w - lr", "w + lr")), "subtract it from w"),
    "no bias correction": (
        changed((' / (1 - beta1 ** state["t"])', ""), (' / (1 - beta2 ** state["t"])', "")),
        "The bias correction is missing",
    ),
    "v not corrected": (
        changed((' / (1 - beta2 ** state["t"])', "")),
        "v is not corrected",
    ),
    "m not corrected": (
        changed((' / (1 - beta1 ** state["t"])', "")),
        "m is not corrected",
    ),
    "corrected with beta1 twice": (
        changed(('beta2 ** state["t"]', 'beta1 ** state["t"]')),
        "v belongs to beta2",
    ),
    "t counted at the end": (
        changed(('    state["t"] += 1\n', ""))
        .replace("    return w", "    w = w")
        .replace("+ eps)\n", '+ eps)\n    state["t"] += 1\n    return w\n'),
        "add 1 to state['t'] before you use it",
    ),
    "t never counted": (
        changed(('state["t"] += 1', "t = 1"))
        .replace('beta1 ** state["t"]', "beta1**t")
        .replace('beta2 ** state["t"]', "beta2**t"),
        "store t + 1 in state['t']",
    ),
    "not squared": (changed(("gradient**2", "abs(gradient)")), "average its square"),
    "velocity as in momentum SGD": (
        changed(("(1 - beta1) * gradient", "gradient"), ("(1 - beta2) * gradient", "gradient")),
        "sums that grow",
    ),
    "no root": (changed(("v**0.5", "v")), "The root is missing"),
    "swapped betas": (
        RIGHT.replace("lr, beta1, beta2, eps", "lr, beta2, beta1, eps"),
        "The betas are swapped",
    ),
    "the gradient on top": (changed(("lr * m /", "lr * gradient /")), "use the corrected m"),
    "averages not stored": (
        changed(
            ('state["m"] = beta1 * state["m"] +', "m ="),
            ('state["v"] = beta2 * state["v"] +', "v ="),
            ('m = state["m"] /', "m = m /"),
            ('v = state["v"] /', "v = v /"),
        ),
        "m and v start at zero in every step",
    ),
    "correction kept": (
        changed(
            ('m = state["m"] /', 'm = state["m"] = state["m"] /'),
            ('v = state["v"] /', 'v = state["v"] = state["v"] /'),
        ),
        "Correct a copy",
    ),
    "eps inside the root": (changed(("v**0.5 + eps", "(v + eps)**0.5")), "eps is inside the root"),
    "no eps": (changed((" + eps", "")), "eps is missing"),
    "step number from the stub": (
        changed(('state["t"] += 1', 't = state["t"] + 1'))
        .replace('beta1 ** state["t"]', "beta1**t")
        .replace('beta2 ** state["t"]', "beta2**t"),
        "store t + 1 in state['t']",
    ),
    "returns the state as well": (
        changed(("+ eps)\n", "+ eps), state\n")),
        "Return the new w alone",
    ),
}
