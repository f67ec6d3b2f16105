"""The images of lesson 09: simulated scenes, or COURSE_DATA where that is in Airbus layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Subset

from course_utils.data import group_by_ground, split_by_group
from course_utils.detection import AirbusFolder, Scene, SimulatedScenes, check_box_sizes
from course_utils.detection.tiles import crop_at

# Families of simulated scenes from which each part takes its own: no family is in two of them.
FAMILIES = {"train": 0, "valid": 10_000, "test": 20_000}
LOOK_ALIKES = {"ships": 0.03, "empty": 0.1}  # fractions of the simulated scenes; land has no room
VALID = TEST = 0.2  # fractions of a folder's images
CROPS = 8  # of an image that is larger than a crop, at the most


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
        empty: training images that hold none.
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
    """Make simulated scenes; nearly a tenth of those without ships hold look-alikes, few others do.

    Args:
        counts: how many of each kind.
        size: height and width in pixels.
        seed: other seeds give other scenes.
        unlabelled: fraction of the training scenes without ships that hold one if there is room.
    """

    def scenes(part: str, ships: int, empty: int, **settings) -> tuple[list[Scene], list[Scene]]:
        words = {"seed": seed, "size": size, "first_family": FAMILIES[part]}
        with_ships = SimulatedScenes(ships, True, look_alikes=LOOK_ALIKES["ships"], **words)
        words |= settings
        without = SimulatedScenes(empty, False, look_alikes=LOOK_ALIKES["empty"], **words)
        return list(with_ships), list(without)

    train = scenes("train", counts.ships, counts.empty, unlabelled=unlabelled)
    valid = scenes("valid", counts.valid_ships, counts.valid_empty)
    test = scenes("test", counts.test_ships, counts.test_empty)
    name = f"simulated scenes, {size} x {size} pixels"
    return ShipData(name, *train, sum(valid, []), sum(test, []), simulated=True)


def from_folder(folder: str | Path, counts: Counts, *, size: int, seed: int) -> ShipData:
    """Cut crops at full resolution out of a folder in Airbus layout, split by port or ground.

    The port is what stands in an image's name before the first underscore. Kaggle's own images have
    no port in their names: of those that are used, neighbours and duplicates are found by the
    ground that they share, and lie in one part. Of images that are larger than a crop, up to 8
    crops are used: around ships, or anywhere. Images that cannot be read are left out of each part,
    with their count printed.

    Args:
        folder: holds the images and the table, see `AirbusFolder`.
        counts: how many crops of each kind are used at the most.
        size: height and width of a crop in pixels; smaller images are filled up with black.
        seed: draws ports, images and crops.

    Raises:
        FileNotFoundError: the folder is not in Airbus layout.
        ValueError: the images come from fewer than three ports, or the median ship is smaller than
            a cell of the heatmap.
    """
    images = AirbusFolder(folder)
    rng = np.random.default_rng(seed)
    used = _used(images, counts, rng)
    groups = _groups(images, used)
    train, valid, test = split_by_port([images.names[i] for i in used], seed, groups)
    parts = [[used[i] for i in part] for part in (train, valid, test)]
    unreadable: dict[str, None] = {}
    kinds = set(images.with_ships), set(images.without_ships)

    def crops(part: Sequence[int], kind: int, most: int) -> list[Scene]:
        chosen = rng.permutation([i for i in part if i in kinds[kind]]).tolist()
        return list(_crops(images, chosen, size, most, rng, unreadable))

    wanted = (
        (counts.ships, counts.empty),
        (counts.valid_ships, counts.valid_empty),
        (counts.test_ships, counts.test_empty),
    )
    train, valid, test = (
        tuple(crops(part, kind, most) for kind, most in enumerate(numbers))
        for part, numbers in zip(parts, wanted, strict=True)
    )
    if unreadable:
        print(f"{len(unreadable)} image(s) cannot be read and are left out, the first so:")
        print("\n".join(list(unreadable)[:3]))
    check_box_sizes(torch.cat([torch.empty(0, 4), *(scene.boxes for scene in train[0])]))
    name = f"{Path(folder).name}, crops of {size} x {size} pixels"
    return ShipData(name, *train, sum(valid, []), sum(test, []), simulated=False)


def _used(images: AirbusFolder, counts: Counts, rng: np.random.Generator) -> list[int]:
    """Draw the images that may be needed: of a large archive a part."""
    ships = counts.ships + counts.valid_ships + counts.test_ships
    empty = counts.empty + counts.valid_empty + counts.test_empty
    drawn = [
        rng.permutation(kind)[: int(1.5 * most) + 100].tolist()
        for kind, most in ((images.with_ships, ships), (images.without_ships, empty))
    ]
    return sorted(drawn[0] + drawn[1])


def _groups(images: AirbusFolder, used: Sequence[int]) -> dict[str, str]:
    """Return name -> port, or the group of images that share ground where names have no port."""
    names = [images.names[i] for i in used]
    if any("_" in name for name in names):
        return {name: port_of(name) for name in names}
    groups, _ = group_by_ground(Subset(images, used), readers=4)
    return {name: str(group) for name, group in zip(names, groups, strict=True)}


def _crops(
    images: AirbusFolder,
    chosen: Sequence[int],
    size: int,
    most: int,
    rng: np.random.Generator,
    unreadable: dict[str, None],
) -> Iterator[Scene]:
    """Yield up to `most` crops: one of each image, then another of each that is larger."""
    count, left = 0, list(chosen)
    for _ in range(CROPS):
        larger = []
        for index in left:
            if count == most:
                return
            try:
                scene = images[index]
            except ValueError as error:
                unreadable[str(error)] = None
                continue
            with_ships = len(scene.boxes) > 0
            crop = crop_at(scene, scene.boxes, size, rng)
            if with_ships == (len(crop.boxes) > 0):
                count += 1
                yield crop
            if max(scene.image.shape[1:]) > size:
                larger.append(index)
        left = larger


def is_airbus_folder(folder: str | Path) -> bool:
    """Say whether a folder holds images in Airbus layout."""
    return (Path(folder) / "train_v2").is_dir()


def port_of(name: str) -> str:
    """Return what stands before the first underscore of an image's name."""
    return name.partition("_")[0]


def split_by_port(
    names: Sequence[str], seed: int, groups: dict[str, str] | None = None
) -> tuple[list[int], list[int], list[int]]:
    """Return the indices of training, validation and test images, each with ports of its own.

    Args:
        names: of the images.
        seed: of the order of the ports.
        groups: name -> port; by default what stands before the first underscore.

    Raises:
        ValueError: the images come from fewer than three ports.
    """
    port = groups.get if groups else port_of
    counts = {key: 0 for key in sorted({port(name) for name in names})}
    for name in names:
        counts[port(name)] += 1
    if len(counts) < 3:
        raise ValueError(
            f"The {len(names)} images come from {len(counts)} port(s), but training, validation "
            "and test need one each: give images of three ports at least, named as "
            "port_number.jpg."
        )

    def halves(indices: Sequence[int], fraction: float) -> tuple[list[int], list[int]]:
        sides = split_by_group([names[i] for i in indices], port, fraction, seed)
        return tuple([indices[i] for i in side] for side in sides)

    train, rest = halves(range(len(names)), VALID + TEST)
    if len({port(names[i]) for i in rest}) == 1:  # as with three ports of one size
        left = {port(names[i]) for i in train}
        moved = min(sorted(left), key=counts.get)
        rest = sorted([*rest, *(i for i in train if port(names[i]) == moved)])
        train = [i for i in train if port(names[i]) != moved]
    valid, test = halves(rest, TEST / (VALID + TEST))
    return train, valid, test
