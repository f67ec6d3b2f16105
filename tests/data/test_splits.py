import random

import pytest

from course_utils.data.splits import split_by_group


def port(name):
    return name.partition("_")[0]


def tiles(**sizes):
    """Name so many tiles of each port, in a mixed order."""
    names = [f"{name}_{tile:03}.jpg" for name, size in sizes.items() for tile in range(size)]
    random.Random(0).shuffle(names)
    return names


PORTS = tiles(genoa=102, busan=40, casablanca=6, durban=80, honolulu=6, klang=60, marseille=132)


def test_three_sides():
    """Is no port on two of three sides, where the first side is split again?"""
    for seed in range(100):
        rest, test = split_by_group(PORTS, port, 0.2, seed)
        left = [PORTS[i] for i in rest]
        train, valid = ([left[i] for i in s] for s in split_by_group(left, port, 0.25, seed + 1))
        sides = [train, valid, [PORTS[i] for i in test]]
        assert sorted(name for side in sides for name in side) == sorted(PORTS)
        ports = [{port(name) for name in side} for side in sides]
        assert all(ports) and sum(map(len, ports)) == len(set.union(*ports)) == 7


def test_rising():
    """Are the indices of each side in rising order?"""
    for side in split_by_group(PORTS, port, 0.3, 0):
        assert list(side) == sorted(side)


def test_many_groups_meet_the_fraction():
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
def test_extreme_fraction(fraction, sides):
    """Has each side a group where the fraction asks for next to nothing?"""
    for seed in range(4):
        halves = split_by_group(tiles(large=99, small=1), port, fraction, seed)
        assert tuple(map(len, halves)) == sides
