"""Exercises and quiz of lesson 08, overfit a tiny set first."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.teaching import Case, Exercise, number_questions
from course_utils.training import eval_mode

_LISTING = """\
def train(images, labels, steps=300):
    torch.manual_seed(0)
    order = torch.randperm(len(images))
    images, labels = images[order], labels[order]
    net = nn.Sequential(
        nn.Flatten(),
        nn.Linear(images[0].numel(), 50),
        nn.ReLU(),
        nn.Linear(50, 10),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        output = net(images)
        loss = F.cross_entropy(output, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return net, losses
"""
# Listing -> number of its wrong line, the line as it stands, and as it should be.
_BUGS = {
    "A": (18, "optimizer.step", "optimizer.step()"),
    "B": (9, "nn.Linear(50, 10), nn.Softmax(dim=1),", "nn.Linear(50, 10),"),
    "C": (
        4,
        "images, labels = images[order], labels",
        "images, labels = images[order], labels[order]",
    ),
}
LISTINGS = {
    name: _LISTING.replace(f"    {right}\n", f"    {wrong}\n", 1)
    for name, (_, wrong, right) in _BUGS.items()
}
SYMPTOMS = {
    "A": "the loss is the same in every step, to the last digit",
    "B": "the loss falls from 2.3 and is stuck above 1.4, whatever the learning rate",
    "C": "the loss goes to zero; of new images the net gets one in ten right",
}
REPAIRED = "a repaired listing"
_TINY = torch.randn(12, 2, 3, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 3


def print_listing(name: str) -> None:
    """Print a listing with the numbers of its lines."""
    print(f"Listing {name}: {SYMPTOMS[name]}")
    for number, line in enumerate(LISTINGS[name].splitlines(), start=1):
        print(f"{number:2} {line}")


def replace_line(name: str, number: int, line: str) -> str:
    """Return a listing with another line, which gets the old one's indentation."""
    lines = LISTINGS[name].splitlines()
    old = lines[number - 1]
    lines[number - 1] = old[: len(old) - len(old.lstrip())] + line.strip()
    return "\n".join(lines)


def run_listing(text: str, images: Tensor, labels: Tensor, steps: int) -> tuple:
    """Run a listing on a few images, and return its net and its losses."""
    names = {"torch": torch, "nn": nn, "F": F}
    exec(compile(text, "listing", "exec"), names)
    return names["train"](images, labels, steps)


def _find_bugs(*, mistake: str | None = None) -> dict:
    answers = {name: (number, right) for name, (number, _, right) in _BUGS.items()}
    return {**answers, **_WRONG.get(mistake, {})}


def _judged(function, name: str):
    """Say in words what a learner's answer makes of a listing."""
    answers = function()
    if answers is None:
        return None
    if not isinstance(answers, dict):
        return "no dictionary"
    if name not in answers:
        return f"no answer for listing {name}"
    answer = answers[name]
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return "an answer that is no pair (number, line)"
    number, line = answer
    lines = LISTINGS[name].splitlines()
    if not isinstance(number, int) or not isinstance(line, str):
        return "an answer that is no pair (number, line)"
    if not 1 <= number <= len(lines):
        return f"the number {number}, and {len(lines)} lines"
    if line.strip() == lines[number - 1].strip():
        return f"line {number} as it stands"
    if number != _BUGS[name][0] and line.strip() == _BUGS[name][2]:
        return f"line {number} replaced by a line that belongs elsewhere"
    try:
        _, losses = run_listing(replace_line(name, number, line), *_TINY, 8)
        _, expected = run_listing(_LISTING, *_TINY, 8)
        agree = len(losses) == len(expected) and all(
            abs(one - other) < 1e-4 for one, other in zip(losses, expected, strict=True)
        )
    except Exception as error:
        return f"{type(error).__name__} in listing {name} with the new line {number}"
    if agree:
        return REPAIRED
    seen = f"{losses[0]:.3f}, {losses[1]:.3f}, ... {losses[-1]:.3f}"
    return f"losses of {seen} with the new line {number}"


_WRONG = {
    "from zero": {"A": (17, "optimizer.step()")},
    "A clears": {"A": (14, "net.zero_grad()")},
    "A learning rate": {"A": (11, "optimizer = torch.optim.SGD(net.parameters(), lr=1.0)")},
    "A number alone": {"A": 18},
    "A line alone": {"A": "optimizer.step()"},
    "B dim": {"B": (9, "nn.Linear(50, 10), nn.Softmax(dim=0),")},
    "B nll": {"B": (16, "loss = F.nll_loss(output, labels)")},
    "B sigmoid": {"B": (9, "nn.Linear(50, 10), nn.Sigmoid(),")},
    "C new order": {
        "C": (4, "images, labels = images[order], labels[torch.randperm(len(labels))]")
    },
    "C labels alone": {"C": (4, "images, labels = images, labels[order]")},
    "C no seed": {"C": (2, "")},
}
MISTAKES = {
    "from zero": "The line is right, its number is not: the lines are counted from 1, as printed.",
    "A clears": "The gradients were cleared rightly. The loss never changes: what should "
    "change the weights, and is it called?",
    "A learning rate": "No learning rate helps where no step is taken: look at the line that "
    "should take it, character by character.",
    "A number alone": "Give each listing a pair: the number, and the line as it should be.",
    "A line alone": "Give each listing a pair: the number, and the line as it should be.",
    "B dim": "A softmax over axis 0 mixes the samples. F.cross_entropy applies softmax by itself: "
    "how many does it need before it?",
    "B nll": "F.nll_loss wants logarithms of probabilities, and gets probabilities.",
    "B sigmoid": "A sigmoid keeps the outputs between 0 and 1 as well: cross_entropy wants logits.",
    "C new order": "Two calls of randperm give two orders: use the one that the images have.",
    "C labels alone": "Now the labels are moved and the images are not: both need the same order.",
    "C no seed": "The seed decides which order, not whether images and labels share it.",
}
EXERCISE = Exercise(
    lesson="08",
    name="find_bugs",
    reference=_find_bugs,
    cases=[
        Case(
            f"listing {name}",
            (name,),
            hint=f"The symptom: {SYMPTOMS[name]}. Which line can do that?",
        )
        for name in LISTINGS
    ],
    mistakes=[
        *((partial(_find_bugs, mistake=name), words) for name, words in MISTAKES.items()),
        (lambda: [], "Return a dictionary: listing -> (number, line)."),
        (lambda: {}, "Each of A, B and C needs an answer."),
    ],
    call=_judged,
    seconds=20.0,  # PyTorch's first optimizer of a session takes seconds
)


def _effect_of_others(model: nn.Module, images: Tensor, *, mistake: str | None = None) -> Tensor:
    """Solve the second exercise, or make one of the mistakes that learners make."""
    if mistake == "training mode":
        return _difference(model, images, mistake)
    if mistake == "stays in evaluation mode":
        return _difference(model.eval(), images, mistake)
    if mistake == "always trains on":
        answer = _difference(model.eval(), images, mistake)
        model.train()
        return answer
    with eval_mode(model):
        return _difference(model, images, mistake)


@torch.no_grad()
def _difference(model: nn.Module, images: Tensor, mistake: str | None) -> Tensor:
    together = model(images)
    if mistake == "same samples":
        alone = model(images.flip(0)).flip(0)
    elif mistake == "no batch axis":
        alone = torch.cat([model(image) for image in images])
    elif mistake == "no batch axis, stacked":
        alone = torch.stack([model(image) for image in images])
    else:
        alone = torch.cat([model(image.unsqueeze(0)) for image in images])
    if mistake == "first sample":
        alone, together = alone[:1], together[:1]
    if mistake == "signed":
        return (together - alone).max()
    if mistake == "norm":
        return (together - alone).norm()
    if mistake == "norm of each":
        return (together - alone).norm(dim=1).max()
    if mistake == "sum":
        return (together - alone).abs().sum()
    if mistake == "truth value":
        return not torch.allclose(together, alone)
    differences = (together - alone).abs()
    return differences.mean() if mistake == "mean" else differences.max()


MISTAKES_ALONE = {
    "stays in evaluation mode": "The model was training, and is left in evaluation mode.",
    "training mode": "Batch normalization looks at the whole batch in training mode, as it should: "
    "call model.eval() first.",
    "always trains on": "The model was in evaluation mode, and is left in training mode: put back "
    "the mode that it had.",
    "same samples": "The same samples in another order still make the same softmax over axis 0: "
    "give the model one sample alone.",
    "first sample": "Only the first sample was tried: compare all of them.",
    "signed": "The largest difference may be negative: take the absolute value.",
    "mean": "This is the mean of the differences: return the largest.",
    "sum": "This is the sum of the differences: return the largest.",
    "norm": "This is the length of all differences together (`norm`): return the largest single "
    "one, `.abs().max()`.",
    "norm of each": "This is the largest length of an image's differences (`norm`): return the "
    "largest single one, `.abs().max()`.",
    "truth value": "This says whether they differ: return by how much.",
    "no batch axis": "A single image has no batch axis: give the model image.unsqueeze(0), of "
    "shape (1, ...).",
    "no batch axis, stacked": "A single image has no batch axis, so that the model takes its first "
    "axis for it: give it image.unsqueeze(0), of shape (1, ...).",
}


class _LooksBack(nn.Module):
    """Takes half of the sample before away from each sample."""

    def forward(self, features: Tensor) -> Tensor:
        return features - 0.5 * features.roll(1, dims=0)


def _linear() -> nn.Linear:
    layer = nn.Linear(3, 3)
    with torch.no_grad():
        layer.weight.copy_(2 * torch.eye(3))
        layer.bias.zero_()
    return layer


_IMAGES = torch.tensor([[1.0, 0, 0], [0, 1.5, 0], [0, 0, 2], [0.9, 0.1, 0]])


def _with_mode(function, model: nn.Module, images: Tensor) -> dict:
    """Ask for the answer, and look at the model's mode afterwards."""
    answer = function(model, images)
    return answer if answer is None else {"effect": answer, "training mode": model.training}


ALONE = Exercise(
    lesson="08",
    name="effect_of_others",
    reference=_effect_of_others,
    cases=[
        Case(
            "a linear layer: each sample for itself",
            (_linear(), _IMAGES),
            hint="The answer is 0. A single image still needs a batch axis: image.unsqueeze(0).",
        ),
        Case(
            "a softmax over the batch axis",
            (nn.Sequential(_linear(), nn.Softmax(0)), _IMAGES),
            hint="A sample alone in its batch gets the output 1 everywhere.",
        ),
        Case(
            "a model that takes half of the sample before away",
            (nn.Sequential(_linear(), _LooksBack()), _IMAGES),
        ),
        Case(
            "batch normalization in a model in training mode",
            (nn.Sequential(_linear(), nn.BatchNorm1d(3)), _IMAGES),
            hint="In evaluation mode it uses its running averages, and the answer is 0.",
        ),
        Case(
            "a model in evaluation mode stays in it",
            (nn.Sequential(_linear(), nn.Softmax(0)).eval(), _IMAGES),
        ),
    ],
    mistakes=[
        (partial(_effect_of_others, mistake=name), words) for name, words in MISTAKES_ALONE.items()
    ],
    call=_with_mode,
)

QUIZ = number_questions(
    "08",
    {
        "question": "A net overfits 64 samples perfectly. What do you know?",
        "options": {
            "A": "The training is free of bugs.",
            "B": "Gradients flow and the loss can be minimised; the data may still be wrong.",
            "C": "The net will overfit on the whole set as well.",
        },
        "correct": "B",
        "why": "Shuffled labels are learned by heart too: the check is necessary, not sufficient.",
    },
    {
        "question": "With 10 classes the loss before training is 6.9 nats. What is likely?",
        "options": {
            "A": "Nothing is wrong: it will fall.",
            "B": "The inputs are not normalised, so that the net begins by being surely wrong.",
            "C": "The learning rate is too high.",
        },
        "correct": "B",
        "why": "Guessing costs ln 10, about 2.3 nats; before any step, the LR is innocent.",
    },
    {
        "question": "Why does a second log-softmax do no harm, and a second softmax does?",
        "options": {
            "A": "Log-softmax gives log-probabilities, whose log-softmax is again the same.",
            "B": "PyTorch notices it and leaves the second one out.",
            "C": "Logarithms make the loss smaller, so that it falls faster.",
        },
        "correct": "A",
        "why": "The exponentials of log-probabilities sum to 1, so the second subtracts ln 1 = 0.",
    },
)
