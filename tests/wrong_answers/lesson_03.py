"""Wrong answers to lesson 03's exercise that learners really give."""

RIGHT = """
def adam_step(w, gradient, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
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
        changed(("beta1=0.9, beta2=0.999", "beta2=0.999, beta1=0.9")),
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
    "m as in momentum SGD": (
        changed(("(1 - beta1) * gradient", "gradient")),
        "m is a sum, as in momentum SGD",
    ),
    "m as in momentum SGD, and not corrected": (
        changed(("(1 - beta1) * gradient", "gradient"), (' / (1 - beta1 ** state["t"])', "")),
        "m is a sum, as in momentum SGD",
    ),
    "v as a sum": (changed(("(1 - beta2) * gradient", "gradient")), "v is a sum"),
    "no brackets in the correction": (
        changed(
            ('(1 - beta1 ** state["t"])', '1 - beta1 ** state["t"]'),
            ('(1 - beta2 ** state["t"])', '1 - beta2 ** state["t"]'),
        ),
        "Brackets are missing",
    ),
    "no brackets at m": (
        changed(('(1 - beta1 ** state["t"])', '1 - beta1 ** state["t"]')),
        "Brackets are missing",
    ),
    "no brackets at v": (
        changed(('(1 - beta2 ** state["t"])', '1 - beta2 ** state["t"]')),
        "Brackets are missing",
    ),
    "torch.sqrt of a float": (
        "import torch\n" + changed(("v**0.5", "torch.sqrt(v)")),
        "takes the root of a number and of a tensor alike; torch.sqrt takes a tensor only",
    ),
    "math.sqrt of a tensor": (
        "import math\n" + changed(("v**0.5", "math.sqrt(v)")),
        "takes the root of a number and of a tensor alike; math.sqrt takes a number only",
    ),
    "a product for the power": (
        changed(('beta1 ** state["t"]', 'beta1 * state["t"]')).replace(
            'beta2 ** state["t"]', 'beta2 * state["t"]'
        ),
        "has to be a power",
    ),
    "shares swapped": (
        changed(
            ('beta1 * state["m"] + (1 - beta1)', '(1 - beta1) * state["m"] + beta1'),
            ('beta2 * state["v"] + (1 - beta2)', '(1 - beta2) * state["v"] + beta2'),
        ),
        "The shares are swapped",
    ),
    "square of the average": (
        changed(("(1 - beta2) * gradient**2", '(1 - beta2) * state["m"] ** 2')),
        "v averages the square of m",
    ),
    "averages updated after their use": (
        """
def adam_step(w, gradient, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    state["t"] += 1
    m = state["m"] / (1 - beta1 ** state["t"])
    v = state["v"] / (1 - beta2 ** state["t"])
    state["m"] = beta1 * state["m"] + (1 - beta1) * gradient
    state["v"] = beta2 * state["v"] + (1 - beta2) * gradient**2
    return w - lr * m / (v**0.5 + eps)
""",
        "update m and v first",
    ),
    "a new dictionary": (
        """
def adam_step(w, gradient, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    t = state["t"] + 1
    m = beta1 * state["m"] + (1 - beta1) * gradient
    v = beta2 * state["v"] + (1 - beta2) * gradient**2
    state = {"t": t, "m": m, "v": v}
    return w - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)) ** 0.5 + eps)
""",
        "Nothing is kept from one step to the next",
    ),
    "returns the step": (changed(("w - lr", "lr")), "return w minus it"),
    "a dot for the brackets": (changed(('state["t"] += 1', "state.t += 1")), "not state.t"),
    "a caret for the power": (changed(("gradient**2", "gradient^2")), "^ is no power"),
}
