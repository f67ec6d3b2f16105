"""Exercise, bug hunt and quiz of lesson 08, overfit a tiny set first."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from course_utils.teaching import Case, Exercise, number_questions
from course_utils.training import eval_mode


def _effect_of_others(model: nn.Module, images: Tensor, *, mistake: str | None = None) -> Tensor:
    """Solve the exercise, or make one of the mistakes that learners make."""
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
    else:
        alone = torch.cat([model(image.unsqueeze(0)) for image in images])
    if mistake == "first sample":
        alone, together = alone[:1], together[:1]
    if mistake == "signed":
        return (together - alone).max()
    differences = (together - alone).abs()
    return differences.mean() if mistake == "mean" else differences.max()


MISTAKES = {
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


EXERCISE = Exercise(
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
        (partial(_effect_of_others, mistake=name), words) for name, words in MISTAKES.items()
    ],
    call=_with_mode,
)

_OPTIONS = {
    "A": "The labels do not belong to their images.",
    "B": "The model applies softmax, and the loss another one.",
    "C": "A softmax over the wrong axis mixes the samples of a batch.",
    "D": "The loss is summed over the batch.",
}


def _hunt(number: int, suspect: int, correct: str, why: str) -> dict:
    question = {"question": f"Suspect {suspect}: which bug is in it?", "options": _OPTIONS}
    return {"lesson": "08", "number": number, **question, "correct": correct, "why": why}


# The bugs of the suspects 1 to 4, and the questions about them.
SUSPECTS = ("softmax twice", "labels misaligned", "summed loss", "softmax over the batch")
HUNT = (
    _hunt(4, 1, "B", "It starts at ln 10 and is stuck: probabilities of 0 to 1 are flat logits."),
    _hunt(5, 2, "A", "All is learned by heart, and nothing of it holds for new images."),
    _hunt(6, 3, "D", "The loss at the start is ln 10 times the number of samples."),
    _hunt(7, 4, "C", "A sample alone gets another output than in a batch."),
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
