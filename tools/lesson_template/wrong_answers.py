"""Wrong answers to lesson NN's exercise that learners really give."""

WRONG_ANSWERS = {
    "sum instead of mean": (
        "def mean(values):\n    return sum(values)\n",
        "divide it by the number of values",
    ),
    "one value too few": (
        "def mean(values):\n    return sum(values[:-1]) / (len(values) - 1)\n",
        "Their sum is 4",
    ),
}
