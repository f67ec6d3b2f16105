"""The images of lesson 09: simulated scenes, or COURSE_DATA where that is in Airbus layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch.utils.data import Subset

from course_utils.data import split_by_group
from course_utils.detection import AirbusFolder, ResizedScenes, Scene, SimulatedScenes

# Families of simulated scenes from which each part takes its own: no family is in two of them.
FAMILIES = {"train": 0, "valid": 10_000, "test": 20_000}
VALID = TEST = 0.2  # fractions of a folder's images


@dataclass(frozen=True)
class Counts:
    """How many images of each kind are used; of a folder that has fewer, all are."""

    ships: int
    empty: int
    valid_ships: int
    valid_empty: int
    test_ships: int
    test_empty: int


@dataclass(frozen=True)
class ShipData:
    """Images with and without ships, in three parts that share no port (no family of scenes).

    Attributes:
        name: says what they are, and that they are simulated where they are.
        ships: training images that hold ships.
        empty: training images that hold none, read one by one.
        valid: images of both kinds, on which thresholds are chosen.
        test: images of both kinds, on which everything is measured.
        simulated: whether the look-alikes in them are known.
    """

    name: str
    ships: Sequence[Scene]
    empty: Sequence[Scene]
    valid: Sequence[Scene]
    test: Sequence[Scene]
    simulated: bool


def simulated(counts: Counts, *, size: int, seed: int, unlabelled: float = 0.0) -> ShipData:
    """Make simulated scenes; a tenth of those without ships hold look-alikes.

    Args:
        counts: how many of each kind.
        size: height and width in pixels.
        seed: other seeds give other scenes.
        unlabelled: fraction of the training scenes without ships that do hold one.
    """

    def scenes(part: str, count: int, ships: bool, **settings) -> list[Scene]:
        settings = {"look_alikes": 0.0 if ships else 0.1, **settings}
        made = SimulatedScenes(
            count, ships, seed=seed, first_family=FAMILIES[part], size=size, **settings
        )
        return list(made)

    return ShipData(
        name=f"simulated scenes, {size} x {size} pixels",
        ships=scenes("train", counts.ships, True),
        empty=scenes("train", counts.empty, False, unlabelled=unlabelled),
        valid=scenes("valid", counts.valid_ships, True)
        + scenes("valid", counts.valid_empty, False),
        test=scenes("test", counts.test_ships, True) + scenes("test", counts.test_empty, False),
        simulated=True,
    )


def from_folder(folder: str | Path, counts: Counts, *, size: int, seed: int) -> ShipData:
    """Read a folder in Airbus layout, split by port.

    The port is what stands in an image's name before the first underscore. Kaggle's own images have
    no port in their names, so that each counts as its own: some of them overlap, and their test
    flatters (say so where you report it). Images that cannot be read are left out of each part,
    with their count printed.

    Args:
        folder: holds the images and the table, see `AirbusFolder`.
        counts: how many of each kind are used at the most.
        size: height and width that the images are brought to, in pixels.
        seed: draws ports and images.

    Raises:
        FileNotFoundError: the folder is not in Airbus layout.
        ValueError: the images come from fewer than three ports.
    """
    images = AirbusFolder(folder)
    train, valid, test = split_by_port(images.names, seed)
    rng = np.random.default_rng(seed)
    unreadable: list[str] = []

    def some(part: Sequence[int], kind: Sequence[int], most: int) -> list[int]:
        return sorted(rng.permutation(sorted(set(part) & set(kind)))[:most].tolist())

    def read(chosen: Sequence[int]) -> Iterator[tuple[int, Scene]]:
        scenes = ResizedScenes(images, size)
        for index in chosen:
            try:
                yield index, scenes[index]
            except ValueError as error:
                unreadable.append(str(error))

    def both(part: Sequence[int], ships: int, empty: int) -> list[Scene]:
        kinds = (images.with_ships, ships), (images.without_ships, empty)
        return [scene for kind, most in kinds for _, scene in read(some(part, kind, most))]

    ships = [scene for _, scene in read(some(train, images.with_ships, counts.ships))]
    # Each is read once, so that no use of the pool meets one that cannot be.
    pool = [index for index, _ in read(some(train, images.without_ships, counts.empty))]
    data = ShipData(
        name=f"{Path(folder).name}, {size} x {size} pixels",
        ships=ships,
        empty=ResizedScenes(Subset(images, pool), size),
        valid=both(valid, counts.valid_ships, counts.valid_empty),
        test=both(test, counts.test_ships, counts.test_empty),
        simulated=False,
    )
    if unreadable:
        print(f"{len(unreadable)} image(s) cannot be read and are left out, the first so:")
        print("\n".join(unreadable[:3]))
    return data


def is_airbus_folder(folder: str | Path) -> bool:
    """Say whether a folder holds images in Airbus layout."""
    return (Path(folder) / "train_v2").is_dir()


def port_of(name: str) -> str:
    """Return what stands before the first underscore of an image's name."""
    return name.partition("_")[0]


def split_by_port(names: Sequence[str], seed: int) -> tuple[list[int], list[int], list[int]]:
    """Return the indices of training, validation and test images, each with ports of its own.

    Raises:
        ValueError: the images come from fewer than three ports.
    """
    ports = Counter(map(port_of, names))
    if len(ports) < 3:
        raise ValueError(
            f"The {len(names)} images come from {len(ports)} port(s), but training, validation and "
            "test need one each: give images of three ports at least, named as port_number.jpg."
        )
    train, rest = _split(names, range(len(names)), VALID + TEST, seed)
    if len({port_of(names[i]) for i in rest}) == 1:  # as with three ports of one size
        left = {port_of(names[i]) for i in train}
        moved = min(sorted(left), key=lambda port: ports[port])
        rest = sorted([*rest, *(i for i in train if port_of(names[i]) == moved)])
        train = [i for i in train if port_of(names[i]) != moved]
    valid, test = _split(names, rest, TEST / (VALID + TEST), seed)
    return train, valid, test


def _split(
    names: Sequence[str], indices: Sequence[int], fraction: float, seed: int
) -> tuple[list[int], list[int]]:
    first, second = split_by_group([names[i] for i in indices], port_of, fraction, seed)
    return [indices[i] for i in first], [indices[i] for i in second]
