"""One module a lesson: its settings in each profile, its exercise, what its command computes."""
