"""Wrong answers to lesson 00's exercise that learners really give."""


def _returning(value: str) -> str:
    return f"import torch\n\n\ndef accuracy(logits, labels):\n    return {value}\n"


NO_FLOAT = "turn them into numbers by .float() first"
ONE_SIDE = "as one side is no tensor"
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
    "no float": (_returning("(logits.argmax(dim=1) == labels).mean()"), NO_FLOAT),
    "no float, by torch.mean": (_returning("torch.mean(logits.argmax(1) == labels)"), NO_FLOAT),
    "mean of integers": (_returning("(logits.argmax(dim=1) == labels).long().mean()"), NO_FLOAT),
    "no argmax": (
        _returning("(logits == labels).float().mean()"),
        "Scores are compared with labels here",
    ),
    "the pair that max returns": (
        _returning("(logits.max(dim=1) == labels).float().mean()"),
        ONE_SIDE,
    ),
    "a list compared with a tensor": (
        _returning("([row.argmax() for row in logits] == labels).float().mean()"),
        ONE_SIDE,
    ),
    "looks along the wrong axis": (
        _returning("(logits.argmax(0) == labels).float().mean().item()"),
        "the classes are along dim=1",
    ),
    "argmax of the whole table": (
        _returning("(logits.argmax() == labels).float().mean().item()"),
        "take it in each row, dim=1",
    ),
    "a third direction": (
        _returning("(logits.argmax(dim=2) == labels).float().mean()"),
        "The table has two directions",
    ),
    "returns per cent": (
        _returning("100 * (logits.argmax(1) == labels).float().mean().item()"),
        "return a fraction from 0 to 1",
    ),
    "divides by the classes": (
        _returning("(logits.argmax(1) == labels).sum().item() / len(logits[0])"),
        "divide by the number of images",
    ),
    "takes the highest logit for the class": (
        _returning("(logits.max(dim=1)[0] == labels).float().mean().item()"),
        "compare its column (argmax)",
    ),
    "share that is wrong": (
        _returning("(logits.argmax(1) != labels).float().mean()"),
        "This is the error rate",
    ),
    "no mean": (_returning("(logits.argmax(1) == labels).float()"), "return one number"),
    "a misspelt name": (_returning("(logit.argmax(1) == labels).float().mean()"), "name 'logit'"),
}
