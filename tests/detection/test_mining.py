import os
import re
import subprocess
import sys
import time
import weakref
from functools import partial
from pathlib import Path

import kill_mining
import pytest
import torch
from machine_speed import quiet_seconds
from tiny_notebooks import REPOSITORY
from torch import nn

from course_utils.detection.boxes import Detections
from course_utils.detection.mining import (
    MIN_DISTANCE,
    HardNegative,
    Ranking,
    mine_hard_negatives,
)
from course_utils.detection.scenes import Scene
from course_utils.training.checkpoint import load_checkpoint, save_checkpoint


class Brightness(nn.Module):
    """A detector that takes each image for a ship, the surer the brighter its first pixel."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.seen = 0

    def forward(self, images):
        self.seen += len(images)
        return images[:, 0, 0, 0].float() / 255 * self.factor


def decode(scores):
    """Report one box an image, and none for an image of level 0."""
    return [
        Detections(torch.tensor([[4.0, 4, 12, 12]])[: int(s > 0)], s.detach()[None][: int(s > 0)])
        for s in scores
    ]


def above(scores, threshold):
    return decode(scores * (scores >= threshold))


class Levels:
    """Scenes of one level each: a grey one, or red, green and blue."""

    def __init__(self, levels, broken=(), error=ValueError):
        self.levels, self.broken, self.error = levels, broken, error

    def __len__(self):
        return len(self.levels)

    def __getitem__(self, index):
        if index in self.broken:
            raise self.error(f"scene {index} is broken")
        level = torch.tensor(self.levels[index], dtype=torch.uint8)
        image = level.view(-1, 1, 1).expand(3, 32, 32).clone()
        return Scene(f"scene{index}", image, torch.empty(0, 4))


def mine(scenes, model=None, **settings):
    return mine_hard_negatives(
        model or Brightness(),
        scenes,
        **{"decode": decode, "max_negatives": 3, "batch_size": 4, **settings},
    )


LEVELS = [10, 200, 0, 90, 250, 30, 120, 70, 0, 180]


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_ranked(batch_size):
    """Are the scenes that fool the detector most returned, the hardest first?"""
    found = mine(Levels(LEVELS), batch_size=batch_size)
    assert found.indices == [4, 1, 9] and found.scanned == 10
    assert [negative.name for negative in found.found] == ["scene4", "scene1", "scene9"]
    words = r"3 hard negatives of 10 scenes in \d+\.\d s, scores 0\.98 to 0\.71"
    assert re.fullmatch(words, str(found))


@pytest.mark.parametrize("count, indices", [(1, [4]), (99, [4, 1, 9, 6, 3, 7, 5, 0])])
def test_how_many(count, indices):
    """May the hardest alone be asked for, and are scenes without a find left out?"""
    assert mine(Levels(LEVELS), max_negatives=count).indices == indices


def test_seconds(tmp_path):
    """Is the time that of the scan, with that of a scan before it that was interrupted?"""
    path, start = tmp_path / "scan.pt", time.perf_counter()
    first = mine(Levels(LEVELS), checkpoint=path).seconds
    assert 0 < first <= time.perf_counter() - start
    save_checkpoint(path, {**load_checkpoint(path), "position": 8, "seconds": 1000.0})
    assert 1000 < mine(Levels(LEVELS), checkpoint=path).seconds < 1100


def test_defaults(monkeypatch, tmp_path, capsys):
    """Are 64 scenes looked at at once, saves 50 batches apart, and nothing shown?"""
    saved = []
    monkeypatch.setattr(
        "course_utils.detection.mining.save_checkpoint", lambda _, state: saved.append(state)
    )
    scenes, path = Levels([1] * 130), tmp_path / "scan.pt"
    mine_hard_negatives(
        Brightness(), scenes, max_negatives=1, decode=decode, checkpoint=path, save_every=1
    )
    assert [state["position"] for state in saved] == [64, 128, 130]
    saved.clear()
    mine(scenes, batch_size=1, checkpoint=path)
    assert [state["position"] for state in saved] == [50, 100, 130]
    assert capsys.readouterr().err == ""


def test_progress(capsys):
    """Does a line that says what is done count the batches of all?"""
    mine(Levels(LEVELS), progress=True)
    assert re.search(r"mining: 100%.* 3/3 ", capsys.readouterr().err)


def test_nothing():
    """Is a pool without scenes, or without finds, no error?"""
    assert mine(Levels([])).found == () and mine(Levels([0, 0])).scanned == 2
    assert re.fullmatch(r"0 hard negatives of 1 scenes in \d+\.\d s", str(mine(Levels([0]))))


def test_rounds():
    """Does a second round look at what the first has not taken?"""
    model = Brightness()
    first = mine(Levels(LEVELS), model)
    model.seen = 0
    second = mine(Levels(LEVELS), model, exclude=first.indices)
    assert second.indices == [6, 3, 7] and second.scanned == model.seen == 7


def test_duplicates():
    """Is the easier of two finds dropped whose surroundings differ by less than 4 levels?"""
    assert mine(Levels([100, 103, 102, 50])).indices == [1, 3]
    red = (108, 100, 100)  # 4.6 levels from grey, as root mean square
    assert mine(Levels([100, red, 50])).indices == [1, 0, 2]


def test_unreadable():
    """Is a scene that cannot be read noted and left out?"""
    found = mine(Levels(LEVELS, broken={4}))
    assert found.indices == [1, 9, 6] and found.unreadable == ("scene 4 is broken",)
    assert str(found).endswith("; 1 unreadable") and found.scanned == 9


def test_missing_file():
    """Is a scene whose file is gone left out as one of a broken file is?"""
    found = mine(Levels(LEVELS, broken={4}, error=FileNotFoundError))
    assert found.indices == [1, 9, 6]
    assert found.unreadable == ("Scene 4 cannot be read (scene 4 is broken).",)


def test_bfloat16(tmp_path):
    """Is a scan of a detector in bfloat16 kept and known again?"""
    path, model = tmp_path / "scan.pt", Brightness().bfloat16()
    first = mine(Levels(LEVELS), model, checkpoint=path)
    seen = model.seen
    assert mine(Levels(LEVELS), model, checkpoint=path).indices == first.indices
    assert model.seen == seen == 10


class Stops(Exception):
    pass


def test_resume(tmp_path):
    """Does a scan that an error stopped go on where it was saved, and end as if it had not?"""
    path = tmp_path / "scan.pt"

    class Dies(Levels):
        def __getitem__(self, index):
            if index == 9:
                raise Stops
            return super().__getitem__(index)

    with pytest.raises(Stops):
        mine(Dies(LEVELS, broken={3}), checkpoint=path, save_every=1, batch_size=2)
    model = Brightness()
    found = mine(Levels(LEVELS, broken={3}), model, checkpoint=path, batch_size=2)
    whole = mine(Levels(LEVELS, broken={3}), batch_size=2)
    assert model.seen == 2  # the last batch alone
    assert found.indices == whole.indices and found.scanned == whole.scanned == 9
    assert found.unreadable == whole.unreadable and found.seconds > 0
    again = mine(Levels(LEVELS), model, checkpoint=path, batch_size=2)
    assert model.seen == 2 and again.indices == whole.indices


KILLS = [(5, "scene"), (38, "scene"), (90, "scene"), (149, "scene"), (60, "write"), (100, "write")]


@pytest.fixture(scope="module")
def uninterrupted():
    return kill_mining.mine(kill_mining.Pool())


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Run scans that are killed and return their checkpoints by kill."""
    target = Path(kill_mining.__file__)
    paths = {kill: tmp_path_factory.mktemp("killed") / "scan.pt" for kill in KILLS}
    runs = [str(word) for (index, where), path in paths.items() for word in (path, index, where)]
    settings = {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(target), *runs],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        timeout=500,
        check=True,
    )
    assert done.stdout.split() == [b"9"] * len(KILLS)  # by SIGKILL
    return paths


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize("kill", KILLS)
def test_killed_and_resumed(kill, killed, uninterrupted):
    """Does a scan that is killed, at a scene or in a write, rescan nothing that it had saved?"""
    index, where = kill
    path = killed[kill]
    position = load_checkpoint(path)["position"] if path.exists() else 0
    assert index - 2 * 12 < position <= index  # it saves every 3 batches of 4
    assert position % 12 == 0 and bool(list(path.parent.glob("*.tmp"))) == (where == "write")
    pool = kill_mining.Pool()
    resumed = kill_mining.mine(pool, path)
    rest = [i for i in range(position, len(pool)) if i not in range(40, 50)]
    again = pool.read[: -len(rest)] if rest else pool.read
    assert pool.read == [*again, *rest]
    assert len(again) <= 32 and all(i < position for i in again)  # to know the pool by
    assert (resumed.scanned, resumed.unreadable) == (139, ("scene 13 is broken",))
    assert resumed.scanned == uninterrupted.scanned
    assert resumed.unreadable == uninterrupted.unreadable
    assert resumed.indices == uninterrupted.indices and len(resumed.indices) == 20
    for one, other in zip(resumed.found, uninterrupted.found, strict=True):
        assert one.name == other.name and torch.equal(one.look, other.look)
        assert torch.equal(one.detections.boxes, other.detections.boxes)
        assert torch.equal(one.detections.scores, other.detections.scores)


@pytest.mark.parametrize(
    "change",
    [
        {"model": Brightness(0.5)},
        {"model": Brightness().half()},
        {"max_negatives": 2},
        {"exclude": [1]},
        {"scenes": Levels([level ^ 1 for level in LEVELS])},
        {"decode": partial(above, threshold=0.5)},
        {"decode": lambda scores: above(scores, 0.3)},
    ],
)
def test_checkpoint_of_another_scan(tmp_path, change):
    """Does a checkpoint of another model or setting raise, rather than mix two scans?"""
    path = tmp_path / "scan.pt"
    settings = {"scenes": Levels(LEVELS), "decode": partial(above, threshold=0.4)}
    mine(**settings, checkpoint=path)
    mine(**settings | {"decode": partial(above, threshold=0.4)}, checkpoint=path)
    with pytest.raises(ValueError, match="belongs to another scan"):
        mine(**settings | change, checkpoint=path)
    save_checkpoint(path, {"epoch": 3})
    with pytest.raises(ValueError, match="belongs to another scan"):
        mine(Levels(LEVELS), checkpoint=path)


def test_constant_memory():
    """Are the scenes of one batch the most that are ever kept, however many are looked at?"""
    alive, most_alive = weakref.WeakSet(), 0

    class Counts(Levels):
        def __getitem__(self, index):
            nonlocal most_alive
            scene = super().__getitem__(index)
            alive.add(scene.image)
            most_alive = max(most_alive, len(alive))
            return scene

    mine(Counts([i % 250 + 1 for i in range(500)]), max_negatives=10, batch_size=16)
    # Those of the batch before are let go when the next one is complete.
    assert 16 <= most_alive <= 2 * 16


def negative(index, score, *, level=None):
    """Make a find; its surroundings have the given level, or one that no other has."""
    image = torch.full((3, 64, 64), index * 9 % 256 if level is None else level, dtype=torch.uint8)
    found = Detections(torch.tensor([[20.0, 20, 30, 30]]), torch.tensor([score]))
    return HardNegative.of(index, Scene(f"scene{index}", image, torch.empty(0, 4)), found)


def test_ties():
    """Does the lower index lead where scores are equal?"""
    ranking = Ranking(2)
    ranking.add([negative(7, 0.5), negative(2, 0.5), negative(5, 0.5)])
    assert [item.index for item in ranking.items] == [2, 5]
    ranking.add([negative(6, 0.5), negative(3, 0.5)])
    assert [item.index for item in ranking.items] == [2, 3]


def thinned_by_hand(items, count):
    """Sort all, then keep each that looks like none that is kept."""
    kept = []
    for item in sorted(items, key=lambda item: (-item.score, item.index)):
        apart = [(item.look - other.look).square().mean() ** 0.5 for other in kept]
        if all(distance >= MIN_DISTANCE for distance in apart):
            kept.append(item)
    return kept[:count]


@pytest.mark.parametrize("count", [5, 12, 400])
def test_thinned_as_by_hand(count):
    """Is what each addition leaves the same as sorting and thinning all of it anew?"""
    generator = torch.Generator().manual_seed(count)
    ranking, kept = Ranking(count), []
    dropped = 0
    for start in range(0, 300, 7):
        levels = torch.randint(0, 256, (7,), generator=generator).tolist()
        # with ties, and below zero as logits are
        scores = (torch.randint(1, 30, (7,), generator=generator) / 30 - 0.5).tolist()
        new = [negative(start + i, scores[i], level=levels[i]) for i in range(7)]
        ranking.add(new)
        dropped += len(kept) + 7
        kept = thinned_by_hand([*kept, *new], count)
        dropped -= len(kept)
        assert [item.index for item in ranking.items] == [item.index for item in kept]
    assert dropped > 100


def test_long_ranking():
    """Does a ranking of 4,000 take in 64 more in a tenth of a second of CPU time?"""

    def some(count, first=0):
        generator = torch.Generator().manual_seed(first)
        box = torch.tensor([[0.0, 0, 9, 9]])
        return [
            HardNegative(
                first + i,
                "a",
                Detections(box, torch.rand(1, generator=generator)),
                255 * torch.rand(192, generator=generator),
            )
            for i in range(count)
        ]

    ranking = Ranking(4000)
    ranking.add(some(4000))
    batches = (some(64, first) for first in range(4000, 5000, 64))
    assert quiet_seconds(lambda: ranking.add(next(batches)), rounds=16) < 0.1


def test_surroundings():
    """Are the surroundings those of the best find, also at the image's border?"""
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    image[:, :8, :8] = 200
    boxes = torch.tensor([[0.0, 0, 6, 6], [40.0, 40, 50, 50]])
    looks = []
    for scores in ([0.9, 0.1], [0.1, 0.9]):
        found = Detections(boxes, torch.tensor(scores))
        looks.append(HardNegative.of(0, Scene("a", image, torch.empty(0, 4)), found).look)
    assert looks[0].shape == (192,) and looks[0].max() == 200 and looks[1].max() == 0


@pytest.mark.parametrize(
    "centre, corner",
    [((30, 25), (14, 9)), ((30.9, 25.5), (14, 9)), ((3, 16), (0, 0)), ((63, 17), (32, 1))],
)
def test_place_of_the_surroundings(centre, corner):
    """Are they the 32 pixels around a find's centre, moved into the image where they leave it?"""
    y, x = torch.meshgrid(torch.arange(48), torch.arange(64), indexing="ij")
    image = torch.stack([x, y, x + y]).byte()
    box = torch.tensor([[centre[0] - 1.0, centre[1] - 1, centre[0] + 1, centre[1] + 1]])
    scene = Scene("a", image, torch.empty(0, 4))
    look = HardNegative.of(0, scene, Detections(box, torch.tensor([0.5]))).look.view(3, 8, 8)
    means = torch.arange(8) * 4 + 1.5  # of four pixels each
    assert torch.equal(look[0], (corner[0] + means).expand(8, 8))
    assert torch.equal(look[1], (corner[1] + means).expand(8, 8).T)


def test_image_smaller_than_the_surroundings():
    """Is the whole of a small image looked at?"""
    image = torch.arange(3 * 24 * 24).view(3, 24, 24).byte()
    found = Detections(torch.tensor([[21.0, 20, 24, 24]]), torch.tensor([0.5]))
    look = HardNegative.of(0, Scene("a", image, torch.empty(0, 4)), found).look
    assert torch.allclose(look.view(3, 8, 8), torch.nn.functional.avg_pool2d(image.float(), 3))


@pytest.mark.parametrize("scores", [[], [0.6], [0.6, 0.8, 0.7]])
def test_state(tmp_path, scores):
    """Does a ranking come back from its state in a checkpoint as it was?"""
    ranking, other = Ranking(3), Ranking(3)
    ranking.add(negative(i, score) for i, score in enumerate(scores))
    save_checkpoint(tmp_path / "ranking.pt", ranking.state())
    other.load(load_checkpoint(tmp_path / "ranking.pt"))
    assert [(i.index, i.name, i.score) for i in other.items] == [
        (i.index, i.name, i.score) for i in ranking.items
    ]
    for one, two in zip(ranking.items, other.items, strict=True):
        assert torch.equal(one.look, two.look)
        assert torch.equal(one.detections.boxes, two.detections.boxes)
        assert torch.equal(one.detections.scores, two.detections.scores)
