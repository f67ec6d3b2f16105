"""Wrong answers to lesson 00's exercise that learners really give."""

WRONG_ANSWERS = {
    "counts instead of averaging": (
        """
def accuracy(logits, labels):
    right = 0
    for row, label in zip(logits, labels):
        if row.argmax() == label:
            right += 1
    return right
""",
        "divide it by the number of images",
    ),
    "looks along the wrong axis": (
        """
def accuracy(logits, labels):
    return (logits.argmax(0) == labels).float().mean().item()
""",
        "the classes are along dim=1",
    ),
    "returns per cent": (
        """
def accuracy(logits, labels):
    return 100 * (logits.argmax(1) == labels).float().mean().item()
""",
        "return a fraction from 0 to 1",
    ),
    "takes the highest logit for the class": (
        """
def accuracy(logits, labels):
    return (logits.max(dim=1).values == labels).float().mean().item()
""",
        "compare its column (argmax)",
    ),
}
