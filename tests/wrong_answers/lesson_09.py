"""Wrong answers to lesson 09's exercise that learners really give."""

PAIR = "(rows, [hard[i % len(hard)] for i in rows])"
RIGHT = """
def mining_round(model, pool, ships, most, half):
    model.eval()
    with torch.no_grad():
        heat = torch.cat([model(images)[:, 0] for images in pool.split(64)])
    score = heat.sigmoid().amax((1, 2))
    hard = score.argsort(descending=True)[:most].tolist()
    batches = []
    for start in range(0, ships, half):
        rows = list(range(start, start + half))
        batches.append((rows, [hard[i % len(hard)] for i in rows]))
    return batches
"""


def changed(*pairs: tuple[str, str]) -> str:
    """Put some places of the right answer wrong."""
    text = RIGHT
    for old, new in pairs:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


WRONG_ANSWERS = {
    "lowest first": (changed(("descending=True", "")), "the highest ones are the hardest"),
    "forgets evaluation mode": (changed(("    model.eval()\n", "")), "call model.eval() first"),
    "means": (changed((".amax(", ".mean(")), "averaged over the image"),
    "all channels": (
        changed(("[:, 0]", ""), (".sigmoid().amax((1, 2))", ".amax((1, 2, 3))")),
        "the heatmap is channel 0",
    ),
    "counts cells": (
        changed((".sigmoid().amax((1, 2))", ".sigmoid().gt(0.5).sum((1, 2))")),
        "Cells above a half were counted",
    ),
    "a threshold": (
        changed(
            (
                "[:most].tolist()",
                ".tolist()\n    hard = [i for i in hard if score[i] >= 0.5][:most]",
            )
        ),
        "A fixed threshold was applied",
    ),
    "no limit": (changed(("[:most]", "")), "cut the ranking"),
    "order of the pool": (
        changed(("[:most].tolist()", "[:most].sort().values.tolist()")),
        "the hardest comes first",
    ),
    "the same in each batch": (
        changed(("hard[i % len(hard)] for i in rows", "hard[i % len(hard)] for i in range(half)")),
        "Every batch gets the same images",
    ),
    "runs out": (
        changed(("[hard[i % len(hard)] for i in rows]", "hard[start : start + half]")),
        "begin again with the hardest",
    ),
    "positions": (
        changed(("hard[i % len(hard)] for", "i % len(hard) for")),
        "return rows of the pool",
    ),
    "swapped": (
        changed(
            (
                "(rows, [hard[i % len(hard)] for i in rows])",
                "([hard[i % len(hard)] for i in rows], rows)",
            )
        ),
        "The two halves are swapped",
    ),
    "one list": (
        changed(
            (
                "(rows, [hard[i % len(hard)] for i in rows])",
                "rows + [hard[i % len(hard)] for i in rows]",
            )
        ),
        "return a pair",
    ),
    "ranking alone": (changed(("return batches", "return hard")), "return a list of batches"),
}
