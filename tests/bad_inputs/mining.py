"""Bad inputs of mining."""

from pathlib import Path

from bad_inputs.detection import BOX, IMAGE, NotANumber, scene
from course_utils.detection.mining import mine_hard_negatives
from course_utils.detection.models import ShipDetector
from course_utils.training.checkpoint import save_checkpoint


def mine(scenes=None, *, model=None, **settings):
    """Return a call that mines two scenes, but for what is given."""

    def call(mine):
        net = ShipDetector(width=4) if model is None else model
        mine(net, [scene()] * 2 if scenes is None else scenes, **{"max_negatives": 1} | settings)

    return call


def from_file(write):
    """Return a call that mines with a file that `write(path)` has made, and removes it again."""

    def call(mine_hard_negatives):
        path = Path("scan.pt")
        write(path)
        try:
            mine(checkpoint=path)(mine_hard_negatives)
        finally:
            path.unlink()

    return call


ROWS = {
    "no negatives": (
        mine_hard_negatives, mine(max_negatives=0), ValueError, "max_negatives is 0", "at least 1",
    ),
    "negatives as a fraction": (
        mine_hard_negatives, mine(max_negatives=0.3), ValueError, "max_negatives is 0.3", "integer",
    ),
    "negatives as a bool": (
        mine_hard_negatives, mine(max_negatives=True),
        ValueError, "max_negatives is True", "integer",
    ),
    "batch size of 0": (mine_hard_negatives, mine(batch_size=0), ValueError, "batch_size is 0"),
    "batch size as a text": (
        mine_hard_negatives, mine(batch_size="64"), ValueError, "batch_size is '64'",
    ),
    "save never": (mine_hard_negatives, mine(save_every=0), ValueError, "save_every is 0"),
    "detector None": (
        mine_hard_negatives, lambda mine: mine(None, [scene()], max_negatives=1),
        TypeError, "model is None",
    ),
    "scenes None": (
        mine_hard_negatives, lambda mine: mine(ShipDetector(width=4), None, max_negatives=1),
        TypeError, "scenes is None", "length and an index",
    ),
    "scenes as a set": (
        mine_hard_negatives, mine(frozenset()), TypeError, "frozenset", "length and an index",
    ),
    "scenes as a generator": (
        mine_hard_negatives, mine(iter([scene()])),
        TypeError, "list_iterator", "length and an index",
    ),
    "scene with a ship": (
        mine_hard_negatives, mine([scene(), scene(boxes=BOX)]),
        ValueError, "Scene 1", "1 true box", "without",
    ),
    "images for scenes": (
        mine_hard_negatives, mine([IMAGE]), TypeError, "scene is of type Tensor", "Scene",
    ),
    "scenes of two sizes": (
        mine_hard_negatives, mine([scene(), scene(IMAGE[:, :32])]),
        ValueError, "(3, 32, 64)", "give tile=256",
    ),
    "excluded as a number": (
        mine_hard_negatives, mine(exclude=1), TypeError, "exclude is 1", "Iterable",
    ),
    "detector that has diverged": (
        mine_hard_negatives, mine(model=NotANumber()), ValueError, "NaN", "diverged",
    ),
    "checkpoint of text": (
        mine_hard_negatives, from_file(lambda path: path.write_text("x")), ValueError, "scan.pt",
    ),
    "checkpoint of a training": (
        mine_hard_negatives, from_file(lambda path: save_checkpoint(path, {"model": {}})),
        ValueError, "scan.pt belongs to another scan", "delete",
    ),
    "checkpoint that is a folder": (
        mine_hard_negatives, mine(checkpoint="/"), FileNotFoundError, "no checkpoint /", "path",
    ),
}  # fmt: skip
