import os
import re
import subprocess
import sys
import time
import weakref
from pathlib import Path

import kill_mining
import pytest
import torch
from torch import nn

from course_utils.checkpoint import load_checkpoint, save_checkpoint
from course_utils.detections import Detections
from course_utils.mining import mine_hard_negatives
from course_utils.scene import Scene


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


class Levels:
    """Scenes of one grey level each."""

    def __init__(self, levels, broken=()):
        self.levels, self.broken = levels, broken

    def __len__(self):
        return len(self.levels)

    def __getitem__(self, index):
        if index in self.broken:
            raise ValueError(f"scene {index} is broken")
        image = torch.full((3, 32, 32), self.levels[index], dtype=torch.uint8)
        return Scene(f"scene{index}", image, torch.empty(0, 4))


def mine(scenes, model=None, **settings):
    return mine_hard_negatives(
        model or Brightness(), scenes, decode=decode, **{"most": 3, "batch_size": 4, **settings}
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


def test_fewer_than_asked_for():
    """Are scenes without a find left out, however many are asked for?"""
    assert sorted(mine(Levels(LEVELS), most=99).indices) == [0, 1, 3, 4, 5, 6, 7, 9]


def test_one():
    """May the hardest alone be asked for?"""
    assert mine(Levels(LEVELS), most=1).indices == [4]


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
    monkeypatch.setattr("course_utils.mining.save_checkpoint", lambda _, state: saved.append(state))
    scenes, path = Levels([1] * 130), tmp_path / "scan.pt"
    mine_hard_negatives(Brightness(), scenes, most=1, decode=decode, checkpoint=path, save_every=1)
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
    """Are near-duplicates thinned out?"""
    assert mine(Levels([100, 101, 102, 50])).indices == [2, 3]
    assert mine(Levels([100, 101, 102, 50]), distinct=0).indices == [2, 1, 0]


def test_unreadable():
    """Is a scene that cannot be read noted and left out?"""
    found = mine(Levels(LEVELS, broken={4}))
    assert found.indices == [1, 9, 6] and found.unreadable == ("scene 4 is broken",)
    assert str(found).endswith("; 1 unreadable") and found.scanned == 9


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
    settings = {"PYTHONPATH": str(target.parent.parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(target), *runs],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
    )
    assert done.stdout.split() == [b"9"] * len(KILLS)  # by SIGKILL
    return paths


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
    assert pool.read == [i for i in range(position, len(pool)) if i not in range(40, 50)]
    assert (resumed.scanned, resumed.unreadable) == (139, ("scene 13 is broken",))
    assert resumed.scanned == uninterrupted.scanned
    assert resumed.unreadable == uninterrupted.unreadable
    assert resumed.indices == uninterrupted.indices and len(resumed.indices) == 20
    for one, other in zip(resumed.found, uninterrupted.found, strict=True):
        assert one.name == other.name and torch.equal(one.look, other.look)
        assert torch.equal(one.detections.boxes, other.detections.boxes)
        assert torch.equal(one.detections.scores, other.detections.scores)


@pytest.mark.parametrize("change", [{"model": Brightness(0.5)}, {"most": 2}, {"exclude": [1]}])
def test_checkpoint_of_another_scan(tmp_path, change):
    """Does a checkpoint of another model or setting raise, rather than mix two scans?"""
    path = tmp_path / "scan.pt"
    mine(Levels(LEVELS), checkpoint=path)
    with pytest.raises(ValueError, match="belongs to another scan"):
        mine(Levels(LEVELS), checkpoint=path, **change)
    save_checkpoint(path, {"epoch": 3})
    with pytest.raises(ValueError, match="belongs to another scan"):
        mine(Levels(LEVELS), checkpoint=path)


@pytest.mark.parametrize(
    "change", [{"most": 0}, {"batch_size": 0}, {"save_every": 0}, {"distinct": -1}]
)
def test_bad_numbers(change):
    """Does a number out of its range raise a sentence that shows it?"""
    ((name, value),) = change.items()
    with pytest.raises(ValueError, match=f"{name} (is )?{value}"):
        mine(Levels(LEVELS), **change)


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

    mine(Counts([i % 250 + 1 for i in range(500)]), most=10, batch_size=16)
    # Those of the batch before are let go when the next one is complete.
    assert 16 <= most_alive <= 2 * 16
