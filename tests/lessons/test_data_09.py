import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from airbus_archive import write_archive
from PIL import Image

from course_utils.detection import AirbusFolder
from course_utils.lessons.data_09 import (
    Counts,
    from_folder,
    is_airbus_folder,
    port_of,
    simulated,
    split_by_port,
)

FEW = Counts(ships=6, empty=30, valid_ships=3, valid_empty=4, test_ships=3, test_empty=5)


@pytest.fixture
def folder(tmp_path):
    """Ten ports of four images in Airbus layout; the first of each holds a ship."""
    (tmp_path / "train_v2").mkdir()
    with open(tmp_path / "train_ship_segmentations_v2.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["ImageId", "EncodedPixels"])
        for port in range(10):
            for tile in range(4):
                name = f"port{port}_{tile}.png"
                pixels = np.full((32, 32, 3), 20 * port, np.uint8)
                Image.fromarray(pixels).save(tmp_path / "train_v2" / name)
                rows.writerow([name, "" if tile else "1 8 33 8 65 8 97 8"])
    return tmp_path


def test_simulated_parts():
    """Are there as many scenes of each kind as asked for, and no family in two parts?"""
    data = simulated(FEW, size=64, seed=1)
    assert len(data.ships) == 6 and len(data.empty) == 30 and data.simulated
    assert [s.ground for s in data.empty] != ["water"] * 30
    assert [len(scene.boxes) > 0 for scene in data.valid] == [True] * 3 + [False] * 4
    assert [len(scene.boxes) > 0 for scene in data.test] == [True] * 3 + [False] * 5
    parts = [[*data.ships, *data.empty], data.valid, data.test]
    families = [{scene.name.partition("-")[0] for scene in part} for part in parts]
    assert not families[0] & families[1] and not families[1] & families[2]
    assert not families[0] & families[2]
    assert "simulated" in data.name


def test_unlabelled_changes_the_pool_alone():
    """Are ships hidden among the training images without ships, and nothing else changed?"""
    many = replace(FEW, empty=200)
    clean, careless = (simulated(many, size=64, seed=1, unlabelled=u) for u in (0.0, 0.5))
    hidden = [scene.name.endswith("-unlabelled") for scene in careless.empty]
    assert 50 < sum(hidden) < 90 and not any(len(scene.boxes) for scene in careless.empty)
    assert [s.name for s in clean.test] == [s.name for s in careless.test]


def test_folder_is_split_by_port(folder):
    """Is each port in one part alone, is each kind there, and is no image enlarged or shrunk?"""
    for seed in range(10):
        data = from_folder(folder, FEW, size=64, seed=seed)
        empty = [data.empty[i] for i in range(len(data.empty))]
        parts = [[*data.ships, *empty], data.valid, data.test]
        ports = [{port_of(scene.name) for scene in part} for part in parts]
        assert not ports[0] & ports[1] and not ports[1] & ports[2] and not ports[0] & ports[2]
        assert all(scene.image.shape == (3, 64, 64) for part in parts for scene in part)
        assert all(len(scene.boxes) == 1 for scene in data.ships)
        assert not any(len(scene.boxes) for scene in empty) and not data.simulated
        assert data.ships[0].boxes.tolist() == [[0, 0, 4, 8]]


def test_crops_of_large_images(tmp_path):
    """Are several crops cut out of large images, at full resolution, by the ground they share?"""
    write_archive(tmp_path, 12, 256, with_ships=0.5)
    data = from_folder(tmp_path, Counts(20, 20, 4, 4, 4, 4), size=96, seed=0)
    assert len(data.ships) > 6 and all(len(scene.boxes) for scene in data.ships)
    assert not any(len(scene.boxes) for scene in data.empty)
    whole = AirbusFolder(tmp_path)
    scene = data.ships[0]
    name, _, place = scene.name.partition("@")
    left, top = map(int, place.split(","))
    image = whole[whole.names.index(name)].image
    assert torch.equal(scene.image, image[:, top : top + 96, left : left + 96])
    parts = [[*data.ships, *data.empty], data.valid, data.test]
    names = [{scene.name.partition("@")[0] for scene in part} for part in parts]
    assert not names[0] & names[1] and not names[1] & names[2] and not names[0] & names[2]


def test_shrunk_images(folder):
    """Are images whose ships are smaller than a cell refused in a sentence?"""
    table = folder / "train_ship_segmentations_v2.csv"
    table.write_text(table.read_text().replace("1 8 33 8 65 8 97 8", "1 1"))
    with pytest.raises(ValueError, match=r"The median ship is 1\.0 pixels large"):
        from_folder(folder, FEW, size=32, seed=0)


def test_counts_are_limits(folder):
    """Are no more images taken than asked for?"""
    one = Counts(*[1] * 6)
    data = from_folder(folder, one, size=32, seed=0)
    assert (len(data.ships), len(data.empty), len(data.valid), len(data.test)) == (1, 1, 2, 2)


def test_unreadable_image(folder, capsys):
    """Is a broken image left out with a sentence?"""
    for path in (folder / "train_v2").glob("port*_0.png"):
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match="There is no ship"):
        from_folder(folder, FEW, size=32, seed=0)
    words = capsys.readouterr().out
    assert "10 image(s) cannot be read" in words and words.count("Row") == 3


def test_unreadable_image_without_ships(folder, capsys):
    """Does every image of the pool load where some of the folder's are truncated?"""
    for path in (folder / "train_v2").glob("port*_2.png"):
        path.write_bytes(path.read_bytes()[:40])
    data = from_folder(folder, Counts(1, 40, 1, 40, 1, 40), size=32, seed=0)
    names = [data.empty[i].name for i in range(len(data.empty))]
    assert len(names) > 4 and not any("_2.png" in name for name in names)
    assert "10 image(s) cannot be read and are left out" in capsys.readouterr().out


@pytest.mark.parametrize("sizes", [(4, 4, 4), (100, 1, 1), (1, 50, 50), (9, 3, 3, 3)])
def test_few_ports(sizes):
    """Has each part a port of its own where there are as few as three?"""
    names = [f"port{port}_{tile}.png" for port, n in enumerate(sizes) for tile in range(n)]
    for seed in range(20):
        parts = split_by_port(names, seed)
        assert sorted(i for part in parts for i in part) == list(range(len(names)))
        ports = [{port_of(names[i]) for i in part} for part in parts]
        assert all(ports) and sum(map(len, ports)) == len(sizes)


def test_too_few_ports():
    """Are two ports refused in a sentence that counts them?"""
    with pytest.raises(ValueError, match=r"^The 3 images come from 2 port\(s\), .*three ports"):
        split_by_port(["a_1.png", "a_2.png", "b_1.png"], 0)


def test_is_airbus_folder(folder, tmp_path_factory):
    """Is a folder told from one that holds other data?"""
    assert is_airbus_folder(folder) and is_airbus_folder(str(folder))
    assert not is_airbus_folder(tmp_path_factory.mktemp("other"))
    assert not is_airbus_folder(Path("nowhere"))
