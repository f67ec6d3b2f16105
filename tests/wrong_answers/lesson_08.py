"""Wrong answers to lesson 08's exercise that learners really give."""

RIGHT = """
def effect_of_others(model, images):
    was_training = model.training
    model.eval()
    together = model(images)
    alone = torch.cat([model(image.unsqueeze(0)) for image in images])
    model.train(was_training)
    return (together - alone).abs().max().item()
"""


def changed(old: str, new: str) -> str:
    """Put one line of the right answer wrong."""
    assert RIGHT.count(old) == 1
    return RIGHT.replace(old, new)


WRONG_ANSWERS = {
    "forgets evaluation mode": (changed("    model.eval()\n", ""), "call model.eval() first"),
    "leaves evaluation mode on": (
        changed("    model.train(was_training)\n", ""),
        "is left in evaluation mode",
    ),
    "always back to training": (
        changed("model.train(was_training)", "model.train()"),
        "put back the mode that it had",
    ),
    "a shuffled batch": (
        changed(
            "torch.cat([model(image.unsqueeze(0)) for image in images])",
            "model(images.flip(0)).flip(0)",
        ),
        "give the model one sample alone",
    ),
    "the first image only": (
        changed("(together - alone).abs()", "(together[0] - alone[0]).abs()"),
        "Only the first sample was tried",
    ),
    "signed": (changed(".abs()", ""), "take the absolute value"),
    "mean": (changed(".max()", ".mean()"), "return the largest"),
    "no batch axis": (
        changed("image.unsqueeze(0)", "image"),
        "still needs a batch axis",
    ),
}
