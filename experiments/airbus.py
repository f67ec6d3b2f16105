"""Command that takes Kaggle's Airbus archive to a submission: train, mine, train on, predict.

    python -m experiments.airbus FOLDER --to submission.csv

FOLDER holds train_v2/ and train_ship_segmentations_v2.csv, and test_v2/ where a submission is to be
made; without it the validation images are predicted. Training takes crops at full resolution;
mining and prediction go by tiles. Images that share ground are on one side of the split. Each step
leaves its result in --work, and a second call goes on with the first that is missing.

What is submitted for a ship is its box as a mask: a ship that lies aslant fills a part of it, so
that the score is below that of a segmenter with the same finds.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Subset

from course_utils._files import atomic_write
from course_utils.data import group_by_ground, split_by_group
from course_utils.detection import (
    AirbusFolder,
    CropLoader,
    CropPool,
    DetectionLoss,
    Detections,
    FpnDetector,
    Scene,
    ShipDetector,
    airbus_score,
    check_box_sizes,
    decode_rle,
    detect,
    encode_rle,
    mask_overlaps,
    mine_hard_negatives,
)
from course_utils.detection.airbus import read_image
from course_utils.lessons.measures_09 import best_threshold, compare_at_recall, empty_score
from course_utils.lr import OneCycle
from course_utils.training import fit, pick_device, set_seed
from course_utils.training.checkpoint import load_checkpoint, save_checkpoint

PLACES = 5  # false alarms of a mined image around which crops are cut


def readable(images: Sequence[Scene], indices: Iterable[int]) -> Iterator[tuple[int, Scene]]:
    """Yield (index, scene) of the images that can be read; the others are `images.problems`."""
    for index in indices:
        try:
            yield index, images[index]
        except ValueError:
            continue


def split(images: AirbusFolder, options: argparse.Namespace) -> tuple[tuple, tuple]:
    """Return indices of training and validation images that share no ground."""
    path = options.work / "groups.json"
    if not path.exists():
        groups, _ = group_by_ground(images, readers=options.readers)
        with atomic_write(path) as file:
            file.write(json.dumps(dict(zip(images.names, groups, strict=True))).encode())
    groups = json.loads(path.read_text())
    return split_by_group(images.names, groups.get, options.valid, options.seed)


def train(
    path: Path,
    start: Path | None,
    positives: CropPool,
    negatives: CropPool | None,
    peak: float,
    options: argparse.Namespace,
) -> nn.Module:
    """Train a detector on crops in one cycle, or load it where that is done."""
    set_seed(options.seed)
    model = make_model(options).to(pick_device())
    if path.exists():
        model.load_state_dict(load_checkpoint(path))
        return model
    if start is not None:
        model.load_state_dict(load_checkpoint(start))
    loader = CropLoader(
        positives,
        negatives,
        size=options.crop,
        negative_fraction=0.0 if negatives is None else 0.5,
        batch_size=options.batch_size,
        steps=options.steps,
        seed=options.seed + (start is not None),
        workers=options.readers if options.readers > 1 else 0,
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = OneCycle(optimizer, peak, options.steps)
    fit(model, optimizer, loader, epochs=1, schedule=schedule, loss_function=DetectionLoss())
    save_checkpoint(path, model.state_dict())
    return model


def make_model(options: argparse.Namespace) -> nn.Module:
    """Build the untrained detector."""
    if options.model == "small":
        return ShipDetector()
    return FpnDetector(depth=34, pretrained=True)


def find(
    model: nn.Module, images, indices: Iterable[int], options
) -> Iterator[tuple[int, Scene, Detections]]:
    """Yield (index, scene, detections) of the images that can be read, by tiles."""
    order: list[int] = []

    def scenes() -> Iterator[Scene]:
        for index, scene in readable(images, indices):
            order.append(index)
            yield scene

    found = detect(model, scenes(), batch_size=16, tile=options.tile, overlap=options.overlap)
    for scene, detections in found:
        yield order.pop(0), scene, detections


class TestImages:
    """Sequence of scenes without a table: the images of a folder, by name.

    What cannot be read is kept in `problems`, a sentence each.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.names = sorted(path.name for path in folder.iterdir())
        self.problems: list[str] = []

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Scene:
        try:
            image = read_image(self.folder / self.names[index])
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            self.problems.append(f"{self.names[index]} cannot be read ({error}).")
            raise ValueError(self.problems[-1]) from error
        return Scene(self.names[index], image, torch.empty(0, 4))


def box_masks(found: Detections, shape: Sequence[int]) -> list[np.ndarray]:
    """Return the boxes as masks (height, width), the best first; no pixel is in two of them."""
    masks, free = [], np.ones(tuple(shape), bool)
    for box in found.boxes.round().int().tolist():
        x0, y0, x1, y1 = box
        mask = np.zeros_like(free)
        mask[max(y0, 0) : max(y1, y0 + 1), max(x0, 0) : max(x1, x0 + 1)] = True
        mask &= free
        if mask.any():
            masks.append(mask)
            free &= ~mask
    return masks


def write_submission(
    path: Path, finds: Iterable[tuple[int, Scene, Detections]], names: Sequence[str], cut: float
) -> None:
    """Write Kaggle's file: a row a ship, and one empty row for each image without, in order.

    An image that could not be read gets the empty row, since Kaggle wants each image.
    """
    rows = {}
    for index, scene, found in finds:
        masks = box_masks(found.above(cut), scene.image.shape[1:])
        rows[names[index]] = [encode_rle(mask) for mask in masks]
    with atomic_write(path) as file:
        lines = ["ImageId,EncodedPixels"]
        lines += [f"{name},{code}" for name in names for code in rows.get(name) or [""]]
        file.write(("\n".join(lines) + "\n").encode())


def score_submission(path: Path, images: AirbusFolder, indices: Iterable[int]) -> float:
    """Return the challenge's score of a submission on images whose ships are known, 0 to 1."""
    codes: dict[str, list[str]] = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            codes.setdefault(row["ImageId"], []).append(row["EncodedPixels"])

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        for index, scene in readable(images, indices):
            shape = tuple(scene.image.shape[1:])
            masks = [decode_rle(code, shape) for code in codes[images.names[index]] if code]
            found = np.array(masks, dtype=bool).reshape(-1, *shape)
            overlaps = mask_overlaps(torch.from_numpy(found), images.masks(index))
            yield overlaps, overlaps

    return airbus_score(pairs(), overlap=lambda overlaps, _: overlaps)


def run(options: argparse.Namespace, say: Callable[[str], None] = print) -> Path:
    """Carry out all steps, and return the path of the submission.

    Raises:
        FileNotFoundError: the archive is not there.
        ValueError: its ships are smaller than a cell of the heatmap.
    """
    images = AirbusFolder(options.folder)
    options.work.mkdir(parents=True, exist_ok=True)
    training, valid = split(images, options)
    kept, ships, empty = set(training), set(images.with_ships), set(images.without_ships)
    positives = [i for i in training if i in ships]
    pool = [i for i in training if i in empty]
    some = np.random.default_rng(options.seed).permutation(positives)[:200].tolist()
    check_box_sizes(torch.cat([torch.empty(0, 4), *(s.boxes for _, s in readable(images, some))]))
    say(f"training: {len(positives)} images with ships, {len(pool)} without; {len(kept)} in all")

    first_path, second_path = options.work / "first.pt", options.work / "mined.pt"
    crops = CropPool(images, positives)
    first = train(first_path, None, crops, None, options.peak, options)
    mined = mine_hard_negatives(
        first,
        Subset(images, pool),
        max_negatives=options.mined,
        batch_size=16,
        tile=options.tile,
        overlap=options.overlap,
        readers=options.readers,
        checkpoint=options.work / "scan.pt",
    )
    say(str(mined))
    hard = CropPool(
        images,
        [pool[i] for i in mined.indices],
        [negative.detections.boxes[:PLACES] for negative in mined.found],
    )
    second = train(second_path, first_path, crops, hard, options.peak / 2, options)

    found = {
        name: [(d, s.boxes) for _, s, d in find(model, images, valid, options)]
        for name, model in (("before", first), ("mined", second))
    }
    say(compare_at_recall(found, found, options.recall).table())
    say(f"all empty: F2 {empty_score([boxes for _, boxes in found['mined']]):.3f}")
    cut = best_threshold(found["mined"])
    problems = list(images.problems)
    if (options.folder / "test_v2").is_dir():
        unseen = TestImages(options.folder / "test_v2")
        finds = find(second, unseen, range(len(unseen)), options)
        write_submission(options.to, finds, unseen.names, cut)
        problems += unseen.problems
    else:
        names = [images.names[i] for i in valid]
        place = {index: row for row, index in enumerate(valid)}
        finds = ((place[i], s, d) for i, s, d in find(second, images, valid, options))
        write_submission(options.to, finds, names, cut)
        score = score_submission(options.to, images, valid)
        say(f"submission for the validation images: {score:.3f} by the challenge's measure")
    if problems:
        say(f"{len(problems)} problem(s) in the archive, the first: {problems[0]}")
    say(f"{options.to} is written, threshold {cut:.2f}")
    return options.to


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    number = partial(parser.add_argument, type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--to", type=Path, default=Path("submission.csv"))
    parser.add_argument("--work", type=Path, default=Path("build/airbus"))
    parser.add_argument("--model", choices=("fpn", "small"), default="fpn")
    number("--crop", default=256, help="side of a training crop in pixels")
    number("--tile", default=384, help="side of a tile when detecting, in pixels")
    number("--overlap", default=128, help="of tiles: the longest ship's length")
    number("--batch-size", default=32)
    number("--steps", default=6000, help="of each of the two trainings")
    number("--mined", default=7000, help="images at the most")
    number("--readers", default=8, help="processes and threads that decode")
    number("--seed", default=0)
    parser.add_argument("--peak", type=float, default=0.003, help="learning rate of the cycle")
    parser.add_argument("--recall", type=float, default=0.8, help="at which both are compared")
    parser.add_argument("--valid", type=float, default=0.1, help="fraction of the images")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run(parse())
