"""A split that keeps what belongs together on one side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from course_utils._validate import check_number, check_whole


def split_by_group(
    names: Sequence[str], group: Callable[[str], Hashable], fraction: float, seed: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Split indices in two, so that no group is on both sides.

    Neighbouring tiles of one harbour show the same quay: split at random, a test measures what was
    learnt by heart. The groups come in a random order, and each goes to the second side if that
    brings the second side's number of names nearer to what is asked for. The fraction is met as
    closely as whole groups allow; each side has at least one.

    Args:
        names: of the images; which groups go to which side does not depend on their order.
        group: gives a name's group, as `lambda name: name.partition("_")[0]` gives the port.
        fraction: of the names that the second side is to hold, between 0 and 1.
        seed: of the order of the groups.

    Returns:
        The indices of the first side and those of the second, both rising.

    Raises:
        ValueError: fraction or seed is out of its range, or there are fewer than two groups.
    """
    check_number("fraction", fraction, above=0, below=1)
    check_whole("seed", seed)
    groups = [group(name) for name in names]
    counts = Counter(groups)
    sizes = {key: counts[key] for key in sorted(counts, key=str)}
    if len(sizes) < 2:
        raise ValueError(
            f"The {len(names)} names belong to {len(sizes)} group(s), but two sides need two "
            "groups: give another `group`."
        )
    keys = list(sizes)
    order = [keys[i] for i in np.random.default_rng(seed).permutation(len(keys))]
    chosen: set[Hashable] = set()
    count, wanted = 0, fraction * len(names)
    for key in order:
        if abs(count + sizes[key] - wanted) < abs(count - wanted):
            chosen.add(key)
            count += sizes[key]
    if not chosen:  # each group is more than twice what is asked for
        chosen = {min(order, key=lambda key: sizes[key])}
    elif len(chosen) == len(sizes):
        chosen.remove(min(order, key=lambda key: sizes[key]))
    first = tuple(i for i, key in enumerate(groups) if key not in chosen)
    second = tuple(i for i, key in enumerate(groups) if key in chosen)
    return first, second
