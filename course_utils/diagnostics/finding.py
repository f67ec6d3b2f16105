"""What a check of a training set-up found wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong.

    Attributes:
        name: of the check that found it, as "loss at start".
        words: one or two sentences: what was seen, what it usually means, what to do.
    """

    name: str
    words: str

    def __str__(self) -> str:
        return f"{self.name}: {self.words}"


# Each check by the name that its findings bear, and what it asks.
CHECKS = {
    "overfit": "does the loss on a few samples go to zero?",
    "same label each time": "does an image come with the same label in the loader's next pass?",
    "values": "are the first layer's inputs finite, different, and a few units around 0?",
    "labels": "are the labels numbers of classes, and not all the same?",
    "picture": "do neighbouring pixels go together, and was no line normalised by itself?",
    "hidden layers": "does PyTorch see all layers, none in a plain list or dict?",
    "same output twice": "does the net answer twice alike in evaluation mode?",
    "own sample only": "has an image the same output alone and in a batch?",
    "output": "are the outputs logits, neither probabilities twice nor cut off at 0?",
    "loss at start": "does the first loss cost about ln(classes), as guessing does?",
    "clean gradients": "does each step clear the gradients, and is optimizer.step() called?",
    "same step twice": "do two steps on the same batch and weights see the same loss?",
    "gradients everywhere": "does the optimizer hold each parameter, and a gradient reach it?",
    "labels mean something": "does what is learned hold for other samples?",
}
