"""The tools of a course on training tricks: one noun a module, each usable outside the course."""

__version__ = "0.1.0"
