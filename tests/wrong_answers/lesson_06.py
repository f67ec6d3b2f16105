"""Wrong answers to lesson 06's exercise that learners really give."""

RIGHT = """
import math

def largest_usable_lrs(curves, tolerance):
    answer = {}
    for label, (lrs, losses) in curves.items():
        lowest = losses.index(min(losses))
        limit = losses[lowest] + tolerance * (losses[0] - losses[lowest])
        last = lowest
        while last + 1 < len(losses) and losses[last + 1] <= limit:
            last += 1
        answer[label] = lrs[last]
    return answer
"""


def changed(old: str, new: str) -> str:
    """Put one line of the right answer wrong."""
    assert RIGHT.count(old) == 1
    return RIGHT.replace(old, new)


WRONG_ANSWERS = {
    "stops at the minimum": (
        changed("answer[label] = lrs[last]", "answer[label] = lrs[lowest]"),
        "the bottom goes on to its right",
    ),
    "returns the position": (
        changed("answer[label] = lrs[last]", "answer[label] = last"),
        "return the learning rates there",
    ),
    "one step too far": (
        changed("answer[label] = lrs[last]", "answer[label] = lrs[min(last + 1, len(lrs) - 1)]"),
        "return the one before it",
    ),
    "walks from the first point": (changed("last = lowest", "last = 0"), "Start at the lowest"),
    "share of the lowest loss": (
        changed(
            "limit = losses[lowest] + tolerance * (losses[0] - losses[lowest])",
            "limit = (1 + tolerance) * losses[lowest]",
        ),
        "tolerance times the *fall*",
    ),
    "tolerance in nats": (
        changed(" * (losses[0] - losses[lowest])", ""),
        "multiply it by the fall",
    ),
    "limit of the first curve": (
        changed(
            "limit = losses[lowest] + tolerance * (losses[0] - losses[lowest])",
            "best = min(min(curve[1]) for curve in curves.values())\n"
            "        limit = best + tolerance * (losses[0] - best)",
        ),
        "Each setting has a bottom of its own",
    ),
    "last point below the limit": (
        changed(
            "answer[label] = lrs[last]",
            "answer[label] = [a for a, b in zip(lrs, losses) if b <= limit][-1]",
        ),
        "stop where it leaves first",
    ),
    "walks through NaN": (
        changed("losses[last + 1] <= limit", "not losses[last + 1] > limit"),
        "use math.isfinite",
    ),
    "returns after the first setting": (
        changed("    return answer", "        return answer"),
        "stands inside the loop",
    ),
    "types the tolerance in": (
        changed("tolerance * (losses[0]", "0.1 * (losses[0]"),
        "is it typed in as a number",
    ),
    "returns the loss": (
        changed("answer[label] = lrs[last]", "answer[label] = losses[last]"),
        "The lowest loss is 0.4",
    ),
    "returns a list": (
        changed("return answer", "return list(answer.values())"),
        "dict",
    ),
    "keys are positions": (
        changed("answer[label] = ", "answer[len(answer)] = "),
        "batch 16",
    ),
    "logarithm of the rate": (
        changed("answer[label] = lrs[last]", "answer[label] = math.log10(lrs[last])"),
        "These are logarithms",
    ),
    "end of the sweep": (
        changed("answer[label] = lrs[last]", "answer[label] = lrs[-1]"),
        "the loss had left its bottom before",
    ),
    "walks past the end": (
        changed(
            "last + 1 < len(losses) and losses[last + 1] <= limit", "losses[last + 1] <= limit"
        ),
        "IndexError",
    ),
    "treats a curve as one list": (
        changed(
            "for label, (lrs, losses) in curves.items()", "for label, losses in curves.items()"
        ),
        "TypeError",
    ),
    "forgets items": (
        changed("in curves.items()", "in curves"),
        "ValueError",
    ),
    "fall of the wrong sign": (
        changed("(losses[0] - losses[lowest])", "(losses[lowest] - losses[0])"),
        "the bottom goes on to its right",
    ),
    "limit from the first loss": (
        changed("limit = losses[lowest] + tolerance", "limit = losses[0] - tolerance"),
        "up from the lowest loss",
    ),
}
