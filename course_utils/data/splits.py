"""A split that keeps what belongs together on one side, and which images show the same ground."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from course_utils._validate import check_number, check_whole

GRID = 8  # a block is compared by the means of 8 x 8 parts
LEAST_CONTRAST = 3.0  # levels, standard deviation of these: all calm water looks alike
MOST_APART = 2.0  # levels, of the parts' means: what JPEG does to them is far less


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


def group_by_ground(
    scenes: Sequence, *, block: int = 256, readers: int = 1
) -> tuple[list[int], list[str]]:
    """Number the groups of images that share a block of ground, so that no split tears them.

    Many of Kaggle's Airbus images are cut from one larger image with an overlap of whole blocks of
    256 pixels. Each block is averaged to 8 x 8 parts; blocks in which each part is brighter than
    its neighbour in the same places, and has nearly the same mean, are the same ground. Blocks of
    calm water say nothing, so that images of water alone stay apart.

    Args:
        scenes: each with an `image` (channels, height, width) of any size; read one by one, only
            the means of the blocks stay in memory.
        block: side in pixels of the blocks, from the top left corner on.
        readers: threads that read and decode.

    Returns:
        A group for each scene (the least index in it), and sentences about scenes that cannot be
        read, each of which is a group of its own.

    Raises:
        ValueError: `block` or `readers` is out of its range.
    """
    check_whole("block", block, GRID)
    check_whole("readers", readers, 1)
    parent, unreadable = list(range(len(scenes))), []
    seen: defaultdict[bytes, list[tuple[int, Tensor]]] = defaultdict(list)

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    def look(index: int) -> Tensor | str:
        try:
            return _blocks(scenes[index].image, block)
        except (ValueError, OSError) as error:
            return str(error)

    with ThreadPoolExecutor(readers) as pool:
        for start in range(0, len(scenes), 256):
            indices = range(start, min(start + 256, len(scenes)))
            for index, blocks in zip(indices, pool.map(look, indices), strict=True):
                if isinstance(blocks, str):
                    unreadable.append(blocks)
                    continue
                for parts in blocks:
                    for key in _keys(parts):
                        for other, known in seen[key]:
                            if (known - parts).abs().mean() < MOST_APART:
                                one, two = sorted((root(index), root(other)))
                                parent[two] = one
                                break
                        else:
                            seen[key].append((index, parts))
    return [root(index) for index in range(len(scenes))], unreadable


def _blocks(image: Tensor, block: int) -> Tensor:
    """Return the means of the parts (n, 8, 8) of the whole blocks that show something."""
    height, width = image.shape[1:]
    side = min(block, height, width)
    grey = image.float().mean(0)[: height // side * side, : width // side * side]
    parts = F.adaptive_avg_pool2d(
        grey.unfold(0, side, side).unfold(1, side, side).reshape(-1, 1, side, side), GRID
    )[:, 0]
    return parts[parts.flatten(1).std(1) > LEAST_CONTRAST]


def _keys(parts: Tensor) -> list[bytes]:
    """Return where a part is brighter than its neighbour: to the right, and below."""
    right, down = parts[:, 1:] > parts[:, :-1], parts[1:] > parts[:-1]
    return [b"r" + bytes(right.flatten().tolist()), b"d" + bytes(down.flatten().tolist())]
