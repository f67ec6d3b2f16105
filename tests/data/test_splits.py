import random

import pytest
import torch

from course_utils.data.splits import split_by_group
from course_utils.detection.synthetic import SCENES_A_FAMILY, SimulatedScenes, family_of


def port(name):
    return name.partition("_")[0]


def tiles(**sizes):
    """Name so many tiles of each port, in a mixed order."""
    names = [f"{name}_{tile:03}.jpg" for name, size in sizes.items() for tile in range(size)]
    random.Random(0).shuffle(names)
    return names


PORTS = tiles(genoa=102, busan=40, casablanca=6, durban=80, honolulu=6, klang=60, marseille=132)


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.8, 0.99])
def test_no_leak(fraction):
    """Is every image on one side, and no port on both, on any seed?"""
    for seed in range(30):
        first, second = split_by_group(PORTS, port, fraction, seed)
        assert sorted(first + second) == list(range(len(PORTS)))
        assert list(first) == sorted(first) and list(second) == sorted(second)
        ports = [{port(PORTS[i]) for i in side} for side in (first, second)]
        assert ports[0] and ports[1]
        assert not ports[0] & ports[1]


@pytest.fixture(scope="module")
def simulated():
    """Return the names of simulated scenes with and without ships, whose families they fraction."""
    settings = {"count": 15 * SCENES_A_FAMILY - 7, "size": 64, "first_family": 40}
    return [
        scene.name for ships in (True, False) for scene in SimulatedScenes(ships=ships, **settings)
    ]


def test_no_family_on_two_sides(simulated):
    """Is no family of simulated scenes split, not even into its ships and its empty scenes?"""
    families = [family_of(name) for name in simulated]
    assert len(set(families)) == 15
    for seed in range(300):
        train, test = split_by_group(simulated, family_of, 0.3, seed)
        inside = {families[i] for i in train}
        assert inside and test and not any(families[i] in inside for i in test)
        assert sorted(train + test) == list(range(len(simulated)))


def test_three_sides(simulated):
    """Is no family on two of three sides, where the first side is split again?"""
    for seed in range(100):
        rest, test = split_by_group(simulated, family_of, 0.2, seed)
        left = [simulated[i] for i in rest]
        train, valid = (
            [left[i] for i in side] for side in split_by_group(left, family_of, 0.25, seed + 1)
        )
        sides = [train, valid, [simulated[i] for i in test]]
        assert sorted(name for side in sides for name in side) == sorted(simulated)
        families = [{family_of(name) for name in side} for side in sides]
        assert all(families) and sum(map(len, families)) == len(set.union(*families)) == 15


def test_random_groups():
    """Is no group on both sides, whatever the number and the sizes of the groups?"""
    for seed in range(300):
        rng = random.Random(seed)
        sizes = {f"g{i}": rng.choice([1, 2, 5, 40, 200]) for i in range(rng.randint(2, 12))}
        names = tiles(**sizes)
        sides = split_by_group(names, port, rng.uniform(0.01, 0.99), seed)
        ports = [{port(names[i]) for i in side} for side in sides]
        assert ports[0] and ports[1] and not ports[0] & ports[1]
        assert sorted(sides[0] + sides[1]) == list(range(len(names)))


def test_families_differ():
    """Does a family's sea stand out: is a scene more like its own family's than like another's?"""
    seas = torch.stack(
        [
            scene.image.float().flatten(1).median(1).values
            for scene in SimulatedScenes(20 * SCENES_A_FAMILY, ships=False, size=64, seed=3)
        ]
    ).view(20, SCENES_A_FAMILY, 3)
    within = (seas - seas.mean(1, keepdim=True)).square().mean().sqrt()
    between = (seas.mean(1) - seas.mean((0, 1))).square().mean().sqrt()
    assert between > 5 * within


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.7])
def test_share(fraction):
    """Has the second side the fraction that is asked for, within half of the largest group?"""
    for seed in range(30):
        _, second = split_by_group(PORTS, port, fraction, seed)
        assert abs(len(second) - fraction * len(PORTS)) <= 132 / 2


def test_many_groups_meet_the_share():
    """Is the fraction met to a single image where the groups are small?"""
    names = tiles(**{f"port{i}": 1 + i % 3 for i in range(60)})
    assert len(split_by_group(names, port, 0.25, 0)[1]) == pytest.approx(len(names) / 4, abs=1)


def test_seed():
    """Do seeds differ, and does one seed send the same ports to the same side in any order?"""

    def held_out(names, seed):
        return frozenset(port(names[i]) for i in split_by_group(names, port, 0.3, seed)[1])

    assert len({held_out(PORTS, seed) for seed in range(10)}) > 3
    assert held_out(PORTS, 5) == held_out(sorted(PORTS), 5)


@pytest.mark.parametrize(("fraction", "sides"), [(0.001, (99, 1)), (0.999, (1, 99))])
def test_extreme_share(fraction, sides):
    """Has each side a group where the fraction asks for next to nothing?"""
    for seed in range(4):
        halves = split_by_group(tiles(large=99, small=1), port, fraction, seed)
        assert tuple(map(len, halves)) == sides


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 30, float("nan")])
def test_bad_share(fraction):
    """Is a fraction that leaves a side empty refused?"""
    with pytest.raises(ValueError, match=rf"^fraction is {fraction}, .* above 0 and below 1\.$"):
        split_by_group(PORTS, port, fraction, 0)


@pytest.mark.parametrize("names", [[], ["busan_1.jpg", "busan_2.jpg"]])
def test_too_few_groups(names):
    """Are names that cannot be split without a leak refused?"""
    with pytest.raises(ValueError, match=rf"^The {len(names)} names belong to .* two groups:"):
        split_by_group(names, port, 0.5, 0)
