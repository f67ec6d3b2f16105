"""Tools for the course on neural-network training tricks: one noun a module, each usable outside the course."""

__version__ = "0.1.0"
