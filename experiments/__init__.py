"""Commands that measure what the lessons show as stored, on a CPU or at full size on a GPU."""
