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
