"""Wrong answers to lesson 08's exercises that learners really give."""

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


FOUND = {
    "A": (18, "optimizer.step()"),
    "B": (9, "nn.Linear(50, 10),"),
    "C": (4, "images, labels = images[order], labels[order]"),
}


def found(**changed) -> str:
    """Put the answer for one listing wrong."""
    return f"def find_bugs():\n    return {FOUND | changed!r}\n"


WRONG_ANSWERS = {
    "lines counted from zero": (
        found(A=(17, "optimizer.step()")),
        "the lines are counted from 1",
    ),
    "another line, as it stands": (found(A=(17, "loss.backward()")), "line 17 as it stands"),
    "clears elsewhere": (found(A=(14, "net.zero_grad()")), "The gradients were cleared rightly"),
    "does not clear": (found(A=(14, "")), "The gradients were cleared rightly"),
    "another learning rate": (
        found(A=(11, "optimizer = torch.optim.SGD(net.parameters(), lr=1.0)")),
        "No learning rate helps",
    ),
    "the number alone": (found(A=18), "Give each listing a pair"),
    "the line alone": (found(A="optimizer.step()"), "Give each listing a pair"),
    "a line that does not exist": (found(A=(28, "optimizer.step()")), "and 20 lines"),
    "a line that does not run": (found(A=(18, "optimizer.step((")), "SyntaxError in listing A"),
    "softmax over the other axis": (
        found(B=(9, "nn.Linear(50, 10), nn.Softmax(dim=0),")),
        "how many does it need",
    ),
    "nll_loss of probabilities": (
        found(B=(16, "loss = F.nll_loss(output, labels)")),
        "wants logarithms of probabilities",
    ),
    "a sigmoid instead": (
        found(B=(9, "nn.Linear(50, 10), nn.Sigmoid(),")),
        "cross_entropy wants logits",
    ),
    "another new order": (
        found(C=(4, "images, labels = images[order], labels[torch.randperm(len(labels))]")),
        "Two calls of randperm give two orders",
    ),
    "labels moved alone": (
        found(C=(4, "images, labels = images, labels[order]")),
        "both need the same order",
    ),
    "no seed": (found(C=(2, "")), "not whether images and labels share it"),
    "a list of lines": (
        "def find_bugs():\n    return [18, 9, 4]\n",
        "Return a dictionary",
    ),
    "norm": (changed(".abs().max()", ".norm()"), "the length of all differences together"),
    "norm of each image": (
        changed(".abs().max()", ".norm(dim=1).max()"),
        "the largest length of an image's differences",
    ),
    "sum": (changed(".max()", ".sum()"), "This is the sum of the differences"),
    "yes or no": (
        changed("(together - alone).abs().max().item()", "not torch.allclose(together, alone)"),
        "return by how much",
    ),
    "no batch axis, stacked": (
        changed("torch.cat([model(image.unsqueeze(0))", "torch.stack([model(image)"),
        "so that the model takes its first axis for it",
    ),
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
        "A single image has no batch axis",
    ),
}
