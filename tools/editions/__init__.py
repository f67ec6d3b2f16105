"""The lessons as a teacher hands them out: transformations for nbconvert, one a file."""

from __future__ import annotations


class EditionError(ValueError):
    """A lesson that cannot be handed out as it is; one sentence a line."""
