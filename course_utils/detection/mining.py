"""Mining of hard negatives: what a detector finds in scenes that hold nothing to be found.

The idea is Sung and Poggio's bootstrapping ("Example-based learning for view-based human face
detection", 1998): train, run on images without objects, add what is wrongly found, train again.
"""

from __future__ import annotations

import hashlib
import math
import time
from bisect import bisect
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice
from numbers import Number
from pathlib import Path
from types import FunctionType, MethodType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils._validate import check_type, check_whole, shown
from course_utils.detection.boxes import Detections
from course_utils.detection.centernet import maps_to_detections
from course_utils.detection.models import detect
from course_utils.detection.scenes import Scene
from course_utils.detection.tiles import check_tiles
from course_utils.training.callbacks import progress_bar
from course_utils.training.checkpoint import load_checkpoint, save_checkpoint
from course_utils.training.distributed import (
    exists_for_all,
    gathered,
    rank,
    wait_for_all,
    world_size,
)

CROP, GRID = 32, 8  # a find is compared by the 32 pixels around it, averaged to 8 x 8
# Of two finds whose surroundings differ less than this (root mean square, in levels of 0 to 255)
# the one with the lower score is dropped: a pool of neighbouring tiles shows one quay many times.
MIN_DISTANCE = 4.0
MAX_PROBES = 32  # scenes by which a checkpoint knows its pool


@dataclass(frozen=True)
class HardNegative:
    """A scene without objects in which a detector finds some.

    Attributes:
        index: of the scene in what was mined.
        name: of the scene.
        detections: all that was found in it, each one false; the first has the highest score.
        look: (192,), the surroundings of the first one, averaged to 8 x 8 pixels, in levels.
    """

    index: int
    name: str
    detections: Detections
    look: Tensor

    @cached_property
    def score(self) -> float:
        """The highest score of what was found."""
        return float(self.detections.scores[0])

    @classmethod
    def of(cls, index: int, scene: Scene, detections: Detections) -> HardNegative:
        """Make one of a scene and what was found in it, at least one box."""
        return cls(index, scene.name, detections, _look(scene.image, detections.boxes[0]))


@dataclass(frozen=True)
class MiningRound:
    """What one round of mining found, and what it cost.

    Attributes:
        found: the hard negatives, the highest score first.
        scanned: scenes that the detector was run on.
        unreadable: sentences about scenes that could not be read.
        seconds: time of the scan, interrupted ones included.
    """

    found: tuple[HardNegative, ...]
    scanned: int
    unreadable: tuple[str, ...]
    seconds: float

    @property
    def indices(self) -> list[int]:
        """The indices of the scenes to add to the training set, the hardest first."""
        return [negative.index for negative in self.found]

    def __str__(self) -> str:
        words = f"{len(self.found)} hard negatives of {self.scanned} scenes in {self.seconds:.1f} s"
        if self.found:
            words += f", scores {self.found[0].score:.2f} to {self.found[-1].score:.2f}"
        return words + (f"; {len(self.unreadable)} unreadable" if self.unreadable else "")


def mine_hard_negatives(
    model: nn.Module,
    scenes: Sequence[Scene],
    *,
    max_negatives: int,
    exclude: Collection[int] = (),
    batch_size: int = 64,
    decode: Callable[[Tensor], list[Detections]] = maps_to_detections,
    tile: int | None = None,
    overlap: int = 64,
    readers: int = 1,
    checkpoint: str | Path | None = None,
    save_every: int = 50,
    progress: bool = False,
) -> MiningRound:
    """Run a detector over scenes without objects and keep those that it is most wrong about.

    Scenes are read one batch at a time, and only what was found is kept: memory does not grow with
    their number. They are ranked by the highest score in them, not cut at a fixed score, which
    means another thing for each detector. Of two finds that look alike, the harder one is kept.

    Where several ranks run, with the same detector, each looks at its own part of the scenes, and
    all get the result that one process would. A scan goes on with any number of ranks.

    Args:
        model: the detector.
        scenes: has `len` and an index; without true boxes. `scenes[i]` that raises OSError or
            ValueError is noted and left out.
        max_negatives: how many to keep at the most.
        exclude: indices that are not looked at, such as those of rounds before.
        batch_size: scenes (or tiles) at once, on each rank.
        decode: turns the model's output into one `Detections` an image.
        tile: side in pixels of the tiles that large scenes are cut into, see `detect`.
        overlap: of tiles, in pixels.
        readers: threads that read and decode the scenes of a batch.
        checkpoint: file in which the scan's state is kept; a scan that was interrupted goes on
            where it was saved, if model, scenes and settings are the same. Scenes are compared by
            some of those that were looked at, which are read again.
        save_every: batches (of a rank) between two saves.
        progress: show a live line.

    Raises:
        FileNotFoundError: the checkpoint is a folder.
        TypeError: the model is no `nn.Module`, or the scenes are no sequence of `Scene`.
        ValueError: a number is out of its range, a scene holds a true box, or the checkpoint is
            damaged or of another scan.
    """
    check_type("model", model, nn.Module)
    for name, value in (
        ("max_negatives", max_negatives),
        ("batch_size", batch_size),
        ("save_every", save_every),
        ("readers", readers),
    ):
        check_whole(name, value, 1)
    check_type("exclude", exclude, Iterable)
    if not hasattr(scenes, "__len__") or not hasattr(scenes, "__getitem__"):
        raise TypeError(
            f"scenes is {shown(scenes)}, but must have a length and an index: give a list."
        )
    if tile is not None:
        check_tiles(tile, overlap)
    look = partial(detect, model, batch_size=batch_size, decode=decode, tile=tile, overlap=overlap)
    scan = _Scan(
        model, scenes, Ranking(max_negatives), frozenset(exclude), batch_size, look, readers
    )
    if checkpoint is not None and exists_for_all(checkpoint):
        scan.load(checkpoint)
    started = time.perf_counter() - scan.seconds
    starts = range(scan.position, len(scenes), batch_size * world_size())
    visible = progress and rank() == 0
    with progress_bar(len(starts), description="mining", enabled=visible) as bar:
        for count, start in enumerate(starts, start=1):
            scan.run(start)
            scan.seconds = time.perf_counter() - started
            if checkpoint is not None and (count % save_every == 0 or count == len(starts)):
                scan.save(checkpoint)
            bar.update()
    found = tuple(scan.ranking.items)
    return MiningRound(found, scan.scanned, tuple(scan.unreadable), scan.seconds)


@dataclass
class _Scan:
    """A scan and how far it has come."""

    model: nn.Module
    scenes: Sequence[Scene]
    ranking: Ranking
    exclude: frozenset[int]
    batch_size: int
    detect: partial  # with the model and all settings
    readers: int
    position: int = 0
    scanned: int = 0
    seconds: float = 0.0
    unreadable: list[str] = field(default_factory=list)
    probes: dict[int, str] = field(default_factory=dict)  # digests of some scenes, by index

    def run(self, start: int) -> None:
        """Look at one batch of scenes on each rank, the first from `start` on."""
        own = start + rank() * self.batch_size
        looked = gathered(self._look(own, own + self.batch_size))
        for scanned, unreadable, candidates, probe in looked:
            self.scanned += scanned
            self.unreadable += unreadable
            self.ranking.add(candidates)
            self.probes |= probe
        while len(self.probes) > MAX_PROBES:  # every second one: the rest stay evenly spread
            self.probes = dict(list(self.probes.items())[::2])
        self.position = min(start + world_size() * self.batch_size, len(self.scenes))

    def _look(self, start: int, end: int) -> tuple[int, list[str], list[HardNegative], dict]:
        """Return how many were read, words on the others, what was found, and a scene's digest."""
        batch, unreadable = {}, []
        chosen = [i for i in range(start, min(end, len(self.scenes))) if i not in self.exclude]
        if self.readers > 1:
            with ThreadPoolExecutor(self.readers) as pool:
                read = list(pool.map(self._read, chosen))
        else:
            read = map(self._read, chosen)
        for index, scene in zip(chosen, read, strict=True):
            if isinstance(scene, str):
                unreadable.append(scene)
            else:
                batch[index] = scene
        for index, scene in batch.items():
            check_type("A scene", scene, Scene)
            if len(scene.boxes):
                raise ValueError(
                    f"Scene {index}, {scene.name!r}, holds {len(scene.boxes)} true box(es), so "
                    "that what is found in it may be right: mine scenes without, or exclude it."
                )
        probe = {index: _digest(scene) for index, scene in islice(batch.items(), 1)}
        results = self.detect(batch.values())
        candidates = [
            HardNegative.of(index, scene, detections)
            for index, (scene, detections) in zip(batch, results, strict=True)
            if len(detections)
        ]
        return len(batch), unreadable, candidates, probe

    def _read(self, index: int) -> Scene | str:
        """Return a scene, or words on why it cannot be read."""
        try:
            return self.scenes[index]
        except ValueError as error:
            return str(error)
        except OSError as error:
            return f"Scene {index} cannot be read ({error})."

    def save(self, path: str | Path) -> None:
        """Write how far it has come; rank 0 does."""
        names = ("position", "scanned", "seconds", "unreadable", "probes")
        state = {name: getattr(self, name) for name in names}
        if rank() == 0:
            save_checkpoint(path, {**state, "key": self._key(), "ranking": self.ranking.state()})
        wait_for_all()

    def load(self, path: str | Path) -> None:
        """Go on from what `save` wrote."""
        state = load_checkpoint(path)
        if state.pop("key", None) != self._key() or not self._has_scenes(state["probes"]):
            raise ValueError(
                f"{path} belongs to another scan (another model, pool or setting): name another "
                "checkpoint, or delete it."
            )
        self.ranking.load(state.pop("ranking"))
        vars(self).update(state)

    def _key(self) -> str:
        digest = hashlib.sha256()
        settings = (len(self.scenes), self.ranking.max_negatives, self.batch_size)
        words = _words(self.detect.keywords)
        digest.update(repr((settings, sorted(self.exclude), words)).encode())
        for name, values in self.model.state_dict().items():
            digest.update(name.encode())
            digest.update(_bytes(values) if isinstance(values, Tensor) else repr(values).encode())
        return digest.hexdigest()

    def _has_scenes(self, probes: dict[int, str]) -> bool:
        """Say whether the pool has the scenes of these digests at their places."""
        try:
            return all(_digest(self.scenes[index]) == probe for index, probe in probes.items())
        except (OSError, ValueError):  # it was readable
            return False


def _digest(scene: Scene) -> str:
    return hashlib.sha256(scene.name.encode() + _bytes(scene.image)).hexdigest()


def _bytes(values: Tensor) -> bytes:
    """Return a tensor's type, shape and content, of types that NumPy lacks (bfloat16) as well."""
    content = values.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    return f"{values.dtype} {tuple(values.shape)}".encode() + content


def _words(value) -> str:
    """Write a function with its thresholds, the same in each process (`repr` has addresses)."""
    if _is_plain(value):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_words, value))})"
    if isinstance(value, dict):
        return f"({', '.join(f'{key}={_words(item)}' for key, item in value.items())})"
    if isinstance(value, partial):
        return f"partial{_words((value.func, value.args, value.keywords))}"
    if isinstance(value, FunctionType):
        code, cells = value.__code__, [cell.cell_contents for cell in value.__closure__ or ()]
        content = (code.co_code, code.co_consts, code.co_names, cells)
        defaults = (value.__defaults__, value.__kwdefaults__)
        return f"{value.__module__}.{value.__qualname__}{_words((*content, *defaults))}"
    if isinstance(value, MethodType):
        return _words((value.__func__, value.__self__))
    # of another object what is plain in it
    own = {k: item for k, item in getattr(value, "__dict__", {}).items() if _is_plain(item)}
    return f"{type(value).__qualname__} {getattr(value, '__qualname__', '')}{_words(own)}"


def _is_plain(value) -> bool:
    return value is None or isinstance(value, (Number, str, bytes))


class Ranking:
    """The hardest negatives seen so far, the highest score first.

    One that was dropped is not kept for later: should the one that it looks like be dropped in
    turn, it does not come back. Where look-alikes form chains, the order matters a little.

    Args:
        max_negatives: how many are kept.
    """

    def __init__(self, max_negatives: int):
        self.max_negatives = max_negatives
        self.items: list[HardNegative] = []

    def add(self, candidates: Iterable[HardNegative]) -> None:
        """Rank candidates among those that are kept; of equal scores the lower index leads.

        Those that are kept are distinct already, so that only the new ones are compared: the time
        grows with the number that is kept, not with its square.
        """
        worst = self.items[-1].score if len(self.items) == self.max_negatives else -math.inf
        new = sorted((item for item in candidates if item.score >= worst), key=_rank)
        if not new:
            return
        self.items = sorted(self._thinned(new), key=_rank)[: self.max_negatives]

    def _thinned(self, new: list[HardNegative]) -> list[HardNegative]:
        """Return kept and new ones, unsorted, without each that looks like a harder one."""
        old = self.items
        looks = torch.stack([item.look for item in (*old, *new)])
        new_looks = looks[len(old) :]
        near = torch.cdist(new_looks, looks) < MIN_DISTANCE * looks.shape[1] ** 0.5
        stays = torch.zeros(len(looks), dtype=torch.bool)
        stays[: len(old)] = True
        for number, item in enumerate(new):  # the hardest first
            easier = bisect(old, _rank(item), key=_rank)  # the first of the old ones that is so
            rivals = near[number] & stays
            if not rivals[:easier].any() and not rivals[len(old) :].any():
                stays[easier : len(old)] &= ~rivals[easier : len(old)]
                stays[len(old) + number] = True
        return [item for item, stay in zip((*old, *new), stays.tolist(), strict=True) if stay]

    def state(self) -> dict:
        """Return what is kept as a few tensors and lists, for a checkpoint."""
        found = [item.detections for item in self.items]
        return {
            "indices": [item.index for item in self.items],
            "names": [item.name for item in self.items],
            "counts": [len(detections) for detections in found],
            "boxes": torch.cat([torch.empty(0, 4), *(d.boxes for d in found)]),
            "scores": torch.cat([torch.empty(0), *(d.scores for d in found)]),
            "looks": torch.stack([item.look for item in self.items] or [torch.empty(0)]),
        }

    def load(self, state: dict) -> None:
        """Take over what `state` returned."""
        boxes, scores = (state[name].split(state["counts"]) for name in ("boxes", "scores"))
        found = map(Detections, boxes, scores)
        parts = (state["indices"], state["names"], found, state["looks"])
        self.items = list(map(HardNegative, *parts))


def _rank(item: HardNegative) -> tuple[float, int]:
    """Return what sorts the hardest to the front."""
    return -item.score, item.index


def _look(image: Tensor, box: Tensor) -> Tensor:
    """Average the surroundings of a box, kept inside the image, to (3 * 8 * 8,) levels."""
    height, width = image.shape[-2:]
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    left = min(max(int(x) - CROP // 2, 0), max(width - CROP, 0))
    top = min(max(int(y) - CROP // 2, 0), max(height - CROP, 0))
    part = image[:, top : top + CROP, left : left + CROP].float()
    return F.adaptive_avg_pool2d(part, GRID).flatten()
