import numpy as np
import pytest
import torch
from torch import nn

from course_utils.detection import (
    CropLoader,
    CropPool,
    Detections,
    Scene,
    boxes_to_maps,
    check_box_sizes,
    detect,
    mine_hard_negatives,
)
from course_utils.detection.tiles import crop, merge_tiles, tile_starts


def scene(boxes, height=300, width=420, name="a"):
    """An image whose ships are white, on a ground that tells each place from all others."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    image = torch.stack([rows % 200, columns % 200, (rows // 200) * 16 + columns // 200])
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    for x0, y0, x1, y1 in boxes.int().tolist():
        image[:, y0:y1, x0:x1] = 255
    return Scene(name, image.to(torch.uint8), boxes)


class Whites(nn.Module):
    """Finds white rectangles, each once, where its centre is."""

    def forward(self, images):
        maps = []
        for image in images:
            white, boxes = (image == 255).all(0).numpy(), []
            while white.any():
                y0, x0 = (int(v[0]) for v in np.nonzero(white))
                x1 = x0 + int(np.argmin(np.append(white[y0, x0:], False)))
                y1 = y0 + int(np.argmin(np.append(white[y0:, x0], False)))
                white[y0:y1, x0:x1] = False
                boxes.append([x0, y0, x1, y1])
            boxes = torch.tensor(boxes, dtype=torch.float32).reshape(1, -1, 4)
            target = boxes_to_maps(boxes, *image.shape[1:])
            heat = torch.where(target[:, 5:6] == 1, 4.0, -8.0)
            maps.append(torch.cat([heat, target[:, 1:5]], 1))
        return torch.cat(maps)


def test_crop():
    """Is a crop the image's own pixels, with its ships moved, clipped, or left out?"""
    whole = scene([[10, 20, 30, 28], [60, 60, 80, 70], [95, 40, 115, 50]])
    part = crop(whole, 25, 10, 80)
    assert torch.equal(part.image, whole.image[:, 10:90, 25:105])
    assert part.boxes.tolist() == [[0, 10, 5, 18], [35, 50, 55, 60], [70, 30, 80, 40]]
    assert len(crop(whole, 27, 10, 80).boxes) == 2  # of the first 3 of 20 columns are left


def test_crop_beyond():
    """Is what leaves the image black?"""
    part = crop(scene([], 50, 60), -10, -4, 80)
    assert part.image.shape == (3, 80, 80) and part.image[:, :4].max() == 0
    assert part.image[:, :, :10].max() == 0 == part.image[:, 54:].max()
    assert torch.equal(part.image[:, 4:54, 10:70], scene([], 50, 60).image)


@pytest.mark.parametrize("length, tile, overlap", [(768, 256, 64), (100, 128, 32), (257, 256, 64)])
def test_tile_starts(length, tile, overlap):
    """Do tiles cover a side, overlap enough, and end with it?"""
    starts = tile_starts(length, tile, overlap)
    assert starts[0] == 0 and (len(starts) == 1 or starts[-1] + tile == length)
    assert all(b - a <= tile - overlap for a, b in zip(starts, starts[1:], strict=False))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tile, overlap", [(128, 40), (64, 32), (160, 48)])
def test_ships_at_every_place(seed, tile, overlap):
    """Is each ship found once and whole, wherever the borders of the tiles lie?"""
    rng = np.random.default_rng(seed)
    boxes = []
    for top in range(10, 260, 50):
        for left in range(10, 380, 50):
            x, y = left + rng.integers(8), top + rng.integers(8)
            boxes.append([x, y, x + rng.integers(8, 30), y + rng.integers(8, 30)])
    found = list(detect(Whites(), [scene(boxes)], tile=tile, overlap=overlap, batch_size=3))
    assert len(found) == 1 and len(found[0][1]) == len(boxes)
    got = sorted(found[0][1].boxes.round().tolist())
    assert got == sorted([list(map(float, box)) for box in boxes])


def test_sizes_in_one_stream():
    """Do images of all sizes go through one stream, in order, small ones filled with black?"""
    scenes = [scene([[5, 6, 20, 14]], *size, name=str(size)) for size in ((50, 61), (300, 140))]
    scenes.append(scene([]))
    found = list(detect(Whites(), iter(scenes), tile=128, overlap=32, batch_size=4))
    assert [one.name for one, _ in found] == [one.name for one in scenes]
    assert [len(detections) for _, detections in found] == [1, 1, 0]


def test_merge():
    """Is what lies nearer to the neighbour left to it, and are boxes clipped to the image?"""
    near = Detections(torch.tensor([[90.0, 10, 110, 20]]), torch.tensor([0.5]))
    other = Detections(torch.tensor([[26.0, 10, 47, 20]]), torch.tensor([0.7]))
    merged = merge_tiles([(0, 0, near), (64, 0, other)], (100, 192), 128, 64)
    assert merged.boxes.tolist() == [[90, 10, 111, 20]] and len(merged) == 1


def test_mining_in_tiles(tmp_path):
    """Are large images mined by tiles, with threads, and does the checkpoint know the tiles?"""
    white = scene([[150, 150, 170, 160]])
    pool = [scene([]), Scene("b", white.image, torch.empty(0, 4)), scene([], 90, 100)]
    words = {"max_negatives": 3, "tile": 128, "overlap": 32, "checkpoint": tmp_path / "scan.pt"}
    mined = mine_hard_negatives(Whites(), pool, readers=2, **words)
    assert mined.indices == [1]
    assert mined.found[0].detections.boxes[0].tolist() == pytest.approx([150, 150, 170, 160])
    with pytest.raises(ValueError, match="another scan"):
        mine_hard_negatives(Whites(), pool, **{**words, "tile": 64})


@pytest.mark.parametrize("overlap, words", [(100, "more than half"), (2, "at least")])
def test_bad_tiles(overlap, words):
    """Is an overlap that no tiles can have refused in a sentence?"""
    with pytest.raises(ValueError, match=words):
        list(detect(Whites(), [scene([])], tile=128, overlap=overlap))


SHIPS = [scene([[100, 60, 120, 70]], name="one"), scene([[5, 5, 30, 12]], 80, 90, name="small")]
EMPTY = [scene([]), scene([], 200, 200)]


def batches(workers=0, **words):
    loader = CropLoader(
        CropPool(SHIPS, range(2)),
        CropPool(EMPTY, range(2)),
        **{"size": 64, "negative_fraction": 0.5, "batch_size": 8, "steps": 6, "seed": 3, **words},
        workers=workers,
    )
    return list(loader)


def test_batches():
    """Has a batch its share of crops with ships, at full resolution, and crops without?"""
    for images, maps in batches():
        assert images.shape == (8, 3, 64, 64) and images.dtype == torch.uint8
        centres = maps[:, 5].flatten(1).sum(1)
        assert (centres[:4] == 1).all() and (centres[4:] == 0).all()
        white = (images == 255).all(1).flatten(1).sum(1)
        assert (white[:4] >= 40).all() and (white[4:] == 0).all()


def test_same_batches_with_workers():
    """Do worker processes give the same batches, and another epoch others?"""
    alone, helped = batches(), batches(workers=2)
    for (images, maps), (same, same_maps) in zip(alone, helped, strict=True):
        assert torch.equal(images, same) and torch.equal(maps, same_maps)
    loader = CropLoader(CropPool(SHIPS, range(2)), size=64, batch_size=2, steps=2)
    assert not torch.equal(next(iter(loader))[0], next(iter(loader))[0])


def test_crops_around_false_alarms():
    """Is a crop of a mined image cut around one of its false alarms?"""
    places = [torch.tensor([[300.0, 200, 310, 210]])]
    pool = CropPool([scene([[300, 200, 310, 210]])], [0], places)
    hidden = [Scene("b", pool.scenes[0].image, torch.empty(0, 4))]
    loader = CropLoader(
        CropPool(SHIPS, range(2)),
        CropPool(hidden, [0], places),
        size=64,
        negative_fraction=0.5,
        batch_size=8,
        steps=5,
    )
    for images, maps in loader:
        assert ((images[4:] == 255).all(1).flatten(1).sum(1) == 100).all()
        assert maps[4:, 5].sum() == 0


class Broken:
    """Images of which every second one cannot be read."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index % 2:
            raise ValueError(f"image {index} is truncated")
        return SHIPS[0]


def test_unreadable():
    """Is an image that cannot be read replaced, and a pool of such refused with the reason?"""
    loader = CropLoader(CropPool(Broken(), range(8)), size=64, batch_size=8, steps=2)
    assert all((maps[:, 5].flatten(1).sum(1) == 1).all() for _, maps in loader)
    loader = CropLoader(CropPool(Broken(), [1, 3]), size=64, batch_size=2, steps=1)
    with pytest.raises(ValueError, match=r"None of 20 images.*is truncated"):
        list(loader)


def test_no_images():
    """Are empty pools refused in a sentence?"""
    for words in ({"negatives": CropPool([], [])}, {"negatives": None}):
        with pytest.raises(ValueError, match="A pool has no images"):
            CropLoader(CropPool(SHIPS, [0]), size=64, negative_fraction=0.5, steps=1, **words)


def test_box_sizes():
    """Are ships that are smaller than a cell refused, with their size?"""
    check_box_sizes(torch.tensor([[0.0, 0, 10, 3]]))
    with pytest.raises(ValueError, match=r"1\.2 pixels large.*full resolution"):
        check_box_sizes(torch.tensor([[0.0, 0, 1.25, 1.17]] * 3 + [[0.0, 0, 40, 10]]))
    with pytest.raises(ValueError, match="no ship"):
        check_box_sizes(torch.empty(0, 4))
