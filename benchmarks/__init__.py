"""Benchmarks of `course_utils` beside its peers: `make bench` runs them all."""
