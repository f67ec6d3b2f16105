"""Mining of hard negatives: what a detector finds in scenes that hold nothing to be found.

The idea is Sung and Poggio's bootstrapping ("Example-based learning for view-based human face
detection", 1998): train, run on images without objects, add what is wrongly found, train again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn

from course_utils.centre_maps import maps_to_detections
from course_utils.checkpoint import load_checkpoint, save_checkpoint
from course_utils.detections import Detections
from course_utils.detector import detect
from course_utils.hard_negatives import HardNegative, Ranking
from course_utils.limits import check_number, check_type, check_whole, shown
from course_utils.live import progress_bar
from course_utils.ranks import exists_for_all, gathered, rank, wait_for_all, world_size
from course_utils.scene import Scene


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
    most: int,
    exclude: Collection[int] = (),
    distinct: float = 4.0,
    batch_size: int = 64,
    decode: Callable[[Tensor], list[Detections]] = maps_to_detections,
    checkpoint: str | Path | None = None,
    save_every: int = 50,
    progress: bool = False,
) -> MiningRound:
    """Run a detector over scenes without objects and keep those that it is most wrong about.

    Scenes are read one batch at a time, and only what was found is kept: memory does not grow with
    their number. They are ranked by the highest score in them, not cut at a fixed score, which
    means another thing for each detector.

    Where several ranks run, with the same detector, each looks at its own part of the scenes, and
    all get the result that one process would. A scan goes on with any number of ranks.

    Args:
        model: the detector.
        scenes: has `len` and an index; `scenes[i]` that raises ValueError is noted and left out.
        most: how many to keep at the most.
        exclude: indices that are not looked at, such as those of rounds before.
        distinct: of two finds whose surroundings differ less than this (root mean square, in levels
            of 0 to 255), the one with the lower score is dropped; 0 keeps both.
        batch_size: scenes at once, on each rank.
        decode: turns the model's output into one `Detections` an image.
        checkpoint: file in which the scan's state is kept; a scan that was interrupted goes on
            where it was saved, if model, scenes and settings are the same.
        save_every: batches (of a rank) between two saves.
        progress: show a live line.

    Raises:
        FileNotFoundError: the checkpoint is a folder.
        TypeError: the model is no `nn.Module`, or the scenes are no sequence of `Scene`.
        ValueError: a number is out of its range, or the checkpoint is damaged or of another scan.
    """
    check_type("model", model, nn.Module)
    for name, value in (("most", most), ("batch_size", batch_size), ("save_every", save_every)):
        check_whole(name, value, 1)
    check_number("distinct", distinct, least=0)
    check_type("exclude", exclude, Iterable)
    if not hasattr(scenes, "__len__") or not hasattr(scenes, "__getitem__"):
        raise TypeError(
            f"scenes is {shown(scenes)}, but must have a length and an index: give a list."
        )
    scan = _Scan(model, scenes, Ranking(most, distinct), frozenset(exclude), batch_size, decode)
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
    decode: Callable[[Tensor], list[Detections]]
    position: int = 0
    scanned: int = 0
    seconds: float = 0.0
    unreadable: list[str] = field(default_factory=list)

    def run(self, start: int) -> None:
        """Look at one batch of scenes on each rank, the first from `start` on."""
        own = start + rank() * self.batch_size
        for scanned, unreadable, candidates in gathered(self._look(own, own + self.batch_size)):
            self.scanned += scanned
            self.unreadable += unreadable
            self.ranking.add(candidates)
        self.position = min(start + world_size() * self.batch_size, len(self.scenes))

    def _look(self, start: int, end: int) -> tuple[int, list[str], list[HardNegative]]:
        """Return how many scenes were read, what was said of the others, and what was found."""
        batch, unreadable = {}, []
        for index in range(start, min(end, len(self.scenes))):
            if index not in self.exclude:
                try:
                    batch[index] = self.scenes[index]
                except ValueError as error:
                    unreadable.append(str(error))
        results = detect(self.model, batch.values(), batch_size=self.batch_size, decode=self.decode)
        candidates = [
            HardNegative.of(index, scene, detections)
            for index, (scene, detections) in zip(batch, results, strict=True)
            if len(detections)
        ]
        return len(batch), unreadable, candidates

    def save(self, path: str | Path) -> None:
        """Write how far it has come; rank 0 does."""
        names = ("position", "scanned", "seconds", "unreadable")
        state = {name: getattr(self, name) for name in names}
        if rank() == 0:
            save_checkpoint(path, {**state, "key": self._key(), "ranking": self.ranking.state()})
        wait_for_all()

    def load(self, path: str | Path) -> None:
        """Go on from what `save` wrote."""
        state = load_checkpoint(path)
        if state.pop("key", None) != self._key():
            raise ValueError(
                f"{path} belongs to another scan (another model, pool or setting): name another "
                "checkpoint, or delete it."
            )
        self.ranking.load(state.pop("ranking"))
        vars(self).update(state)

    def _key(self) -> str:
        digest = hashlib.sha256()
        settings = (len(self.scenes), self.ranking.most, self.ranking.distinct, self.batch_size)
        digest.update(repr((settings, sorted(self.exclude))).encode())
        for name, values in self.model.state_dict().items():
            digest.update(name.encode() + values.detach().cpu().numpy().tobytes())
        return digest.hexdigest()
