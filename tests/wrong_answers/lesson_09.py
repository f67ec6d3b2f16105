"""Wrong answers to lesson 09's exercise that learners really give."""

RIGHT = """
def hardest(found, most, used):
    candidates = [i for i in range(len(found)) if len(found[i]) and i not in used]
    ranked = sorted(candidates, key=lambda i: found[i].scores[0], reverse=True)
    return ranked[:most]
"""


def changed(old: str, new: str) -> str:
    """Put one place of the right answer wrong."""
    assert RIGHT.count(old) == 1
    return RIGHT.replace(old, new)


WRONG_ANSWERS = {
    "lowest first": (changed(", reverse=True", ""), "the highest ones are the hardest"),
    "sums": (changed("found[i].scores[0]", "found[i].scores.sum()"), "Scores were added up"),
    "counts": (changed("found[i].scores[0]", "len(found[i])"), "Detections were counted"),
    "means": (changed("found[i].scores[0]", "found[i].scores.mean()"), "Scores were averaged"),
    "a threshold": (
        changed(
            "len(found[i]) and i not in used",
            "len(found[i]) and i not in used and found[i].scores[0] >= 0.5",
        ),
        "A fixed threshold was applied",
    ),
    "first score of nothing": (changed("len(found[i]) and ", ""), "has no first score"),
    "picks again": (changed(" and i not in used", ""), "were picked again"),
    "cuts first": (
        changed(
            "    return ranked[:most]", "    return [i for i in ranked[:most] if i not in used]"
        ).replace(" and i not in used]\n    ranked", "]\n    ranked"),
        "leave them out before you cut",
    ),
    "scores": (
        changed(
            "return ranked[:most]", "return [float(found[i].scores[0]) for i in ranked[:most]]"
        ),
        "return the indices of the images",
    ),
    "no limit": (changed("[:most]", ""), "cut the list"),
    "one image for each detection": (
        changed(
            "    candidates = [i for i in range(len(found)) if len(found[i]) and i not in used]\n"
            "    ranked = sorted(candidates, key=lambda i: found[i].scores[0], reverse=True)\n"
            "    return ranked[:most]\n",
            "    pairs = [(s, i) for i in range(len(found)) if i not in used\n"
            "             for s in found[i].scores.tolist()]\n"
            "    return [i for _, i in sorted(pairs, reverse=True)][:most]\n",
        ),
        "An image comes once for each",
    ),
}
