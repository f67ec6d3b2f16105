"""How lesson 09 measures detectors, at equal recall on the test images, and its stored measures.

Each is read off its own curve where it finds the same share of the same ships (a free-response ROC
curve), so that recall is equal in truth: thresholds from a few hundred validation images find more
of the test ships with one detector and fewer with the next. The threshold that one would go to work
with is chosen on validation images all the same; the challenge's score is measured at that one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import mean

from matplotlib.axes import Axes
from torch import Tensor, nn

from course_utils.detection import (
    PrecisionRecallCurve,
    airbus_score,
    average_precision,
    detect,
    false_positives_per_empty_image,
    precision_recall,
    threshold_at_recall,
)
from course_utils.detection.metrics import Pairs
from course_utils.detection.scenes import Scene
from course_utils.lessons import stored_results
from course_utils.plotting import COLOURS
from course_utils.teaching import format_interval, mean_interval

RECALL = 0.6  # at which detectors are compared: all arms reach it on the seeds of the choice
THRESHOLDS = tuple(i / 20 for i in range(1, 20))  # from which the one for work is chosen
IOU = 0.3  # of a match: a ship of 10 x 3 pixels found one pixel too far along and across has .43
MEASURES = {
    "false_alarms": "false alarms",
    "average_precision": "AP",
    "f2": "F2",
}
LEAST = 1e-3  # false alarms per empty image: fewer are taken as this many where factors are formed


@dataclass(frozen=True)
class Measures:
    """How good a detector is on test images; each measure is computed when asked.

    Args:
        valid: what the detector found in each validation image, and the ships in it.
        test: likewise, of the test images.
        threshold: at which it finds the compared share of the test ships.
    """

    valid: Pairs
    test: Pairs
    threshold: float

    @cached_property
    def false_alarms(self) -> float:
        """Detections an image without ships."""
        return false_positives_per_empty_image(self.test, self.threshold)

    @cached_property
    def curve(self) -> PrecisionRecallCurve:
        """Precision and recall at all thresholds."""
        return precision_recall(self.test, iou_threshold=IOU)

    @property
    def recall(self) -> float:
        """Share of the ships that are found."""
        counted = self.curve.thresholds >= self.threshold
        return float(self.curve.recall[counted][-1]) if counted.any() else 0.0

    @cached_property
    def average_precision(self) -> float:
        """Over all thresholds, 0 to 1."""
        return average_precision(self.test, iou_threshold=IOU)

    @cached_property
    def working_threshold(self) -> float:
        """The one of the best F2 on validation images."""
        return best_threshold(self.valid)

    @cached_property
    def f2(self) -> float:
        """Airbus' own score, on boxes, 0 to 1, at the threshold from validation images."""
        return f2_above(self.working_threshold, self.test)


@dataclass(frozen=True)
class Comparison:
    """Detectors at one recall.

    Attributes:
        recall: at which they are compared, on test images: what was asked for, or the highest that
            all of them reach.
        asked: what was asked for.
        arms: name -> measures on test images.
    """

    recall: float
    asked: float
    arms: Mapping[str, Measures]

    def table(self) -> str:
        """Lay out all measures, with the score of finding nothing at all."""
        lines = [self.sentence(), f"{'':18} false alarms  threshold     AP     F2"]
        for name, arm in self.arms.items():
            lines.append(
                f"{name:18} {arm.false_alarms:12.3f} {arm.threshold:10.2f} "
                f"{arm.average_precision:6.2f} {arm.f2:6.2f}"
            )
        boxes = [boxes for _, boxes in next(iter(self.arms.values())).test]
        nothing = empty_score(boxes)
        lines.append(f"{'finding nothing':18} {0:12.3f} {'':10} {0:6.2f} {nothing:6.2f}")
        return "\n".join(lines)

    def sentence(self) -> str:
        """Say at which recall, and why if it is not the one that was asked for."""
        words = f"Compared where each finds {100 * self.recall:.0f} % of the ships"
        if self.recall < self.asked:
            words += f": {100 * self.asked:.0f} % is out of reach for one detector at least"
        return f"{words}."


def compare_at_recall(
    valid: Mapping[str, Pairs], test: Mapping[str, Pairs], recall: float = RECALL
) -> Comparison:
    """Compare detectors at one recall on test images, each at its own threshold.

    Where a detector does not reach the recall, all are compared at the highest that each reaches.

    Args:
        valid: name -> what was found in each validation image, and its ships.
        test: likewise, of the test images.
        recall: asked for, 0 to 1.
    """
    curves = {name: precision_recall(pairs, iou_threshold=IOU) for name, pairs in test.items()}
    reached = min(float(c.recall[-1]) if len(c.recall) else 0.0 for c in curves.values())
    common = min(recall, reached)
    cuts = {n: threshold_at_recall(c, common) if common else 0.0 for n, c in curves.items()}
    arms = {name: Measures(valid[name], test[name], cut) for name, cut in cuts.items()}
    return Comparison(common, recall, arms)


def compare_detectors(
    models: Mapping[str, nn.Module],
    valid: Sequence[Scene],
    test: Sequence[Scene],
    recall: float = RECALL,
    *,
    beside: Comparison | None = None,
) -> Comparison:
    """Run detectors over validation and test images, and compare them at equal recall.

    Args:
        models: name -> detector.
        valid: validation images; where there are none, all but F2 can be measured.
        test: test images.
        recall: asked for, 0 to 1.
        beside: others that were run over the same images, which join the comparison.
    """
    known = beside.arms if beside else {}
    in_valid = {name: arm.valid for name, arm in known.items()}
    in_test = {name: arm.test for name, arm in known.items()}
    for name, model in models.items():
        in_valid[name], in_test[name] = pairs(model, valid), pairs(model, test)
    return compare_at_recall(in_valid, in_test, recall)


def pairs(model: nn.Module, scenes: Iterable[Scene]) -> Pairs:
    """Return what a detector finds in each scene, and the ships in it."""
    return [(found, scene.boxes) for scene, found in detect(model, scenes)]


def empty_score(boxes: Iterable[Tensor]) -> float:
    """Return Airbus' score of finding nothing in any image: the share of images without ships."""
    counts = [len(of_image) for of_image in boxes]
    return counts.count(0) / len(counts)


def f2_above(threshold: float, pairs: Pairs) -> float:
    """Return Airbus' score of the detections above a threshold."""
    return airbus_score([(found.above(threshold), boxes) for found, boxes in pairs])


def best_threshold(pairs: Pairs) -> float:
    """Return the threshold of the best F2 on validation images."""
    return max(THRESHOLDS, key=lambda cut: f2_above(cut, pairs))


def stored(name: str = "tune_09") -> list[dict]:
    """Return one entry a seed, as `tune_09` makes it: "tune_09", "harbours_09" or "choice_09"."""
    return stored_results(name)["seeds"]


def values(entries: Sequence[dict], name: str, measure: str = "false_alarms") -> list[float]:
    """Return one value a seed, as `values(stored(), "mined", "recall")`."""
    return [entry["arms"][name][measure] for entry in entries]


def table(entries: Sequence[dict], names: Sequence[str]) -> str:
    """Lay out the means over the seeds with their 95 % intervals, a row a training.

    The last row is the F2 of finding nothing in any image.
    """
    lines = [f"{'':22}" + "".join(f"{words:>17}" for words in MEASURES.values())]
    for name in names:
        cells = [
            format_interval(*mean_interval(values(entries, name, measure))) for measure in MEASURES
        ]
        lines.append(f"{name:22}" + "".join(f"{cell:>17}" for cell in cells))
    nothing = format_interval(*mean_interval([entry["finding nothing"] for entry in entries]))
    lines.append(f"{'finding nothing':22}" + f"{nothing:>{17 * len(MEASURES)}}")
    return "\n".join(lines)


def logs_of_factors(more: Sequence[float], fewer: Sequence[float]) -> list[float]:
    """Return, a seed each, by what factor one training has more false alarms, as log10."""
    pairs = zip(more, fewer, strict=True)
    return [math.log10(max(one, LEAST) / max(other, LEAST)) for one, other in pairs]


def factors(
    entries: Sequence[dict],
    names: Sequence[str],
    base: str = "mined",
    measure: str = "false_alarms",
) -> str:
    """Lay out how many times as many false alarms trainings have as one, paired by seed."""
    lines = []
    for name in names:
        logs = logs_of_factors(values(entries, name, measure), values(entries, base, measure))
        middle, half = mean_interval(logs)
        low, factor, high = (10**x for x in (middle - half, middle, middle + half))
        lines.append(f"{name:22} {factor:5.2f} times ({low:.2f} to {high:.2f}) those of {base}")
    return "\n".join(lines)


def tried(entries: Sequence[dict]) -> str:
    """Say what mining brought in each setting that was tried, as `tune_09 --choose` stored it."""
    seeds = ", ".join(str(entry["seed"]) for entry in entries)
    lines = [f"tried on seeds {seeds}; times the false alarms of mined:"]
    for setting in entries[0]["tried"]:
        arms = [{"arms": entry["tried"][setting]} for entry in entries]
        mined = values(arms, "mined")
        before, random = (
            10 ** mean(logs_of_factors(values(arms, name), mined)) for name in ("before", "random")
        )
        lines.append(f"{setting:24} before {before:.1f}, random {random:.1f}")
    return "\n".join(lines)


def plot_arms(ax: Axes, arms: Mapping[str, Sequence[float]]) -> Axes:
    """Draw the false alarms of each training: a dot a seed, and their mean.

    Args:
        ax: where to draw.
        arms: name -> false alarms per empty image, one a seed.
    """
    for row, (name, numbers) in enumerate(arms.items()):
        colour = COLOURS.get(name, "0.4")
        ax.plot(numbers, [row] * len(numbers), "o", color=colour, alpha=0.45, ms=5)
        ax.plot(mean(numbers), row, "|", color=colour, ms=22, mew=2.5)
        words = f"{mean(numbers):.3f}"
        ax.annotate(words, (max(numbers), row), (8, -4), textcoords="offset points")
    ax.set_yticks(range(len(arms)), list(arms))
    ax.set_ylim(len(arms) - 0.4, -0.6)
    highest = max(max(numbers) for numbers in arms.values())
    ax.set(xlabel="false alarms per empty image, at equal recall", xlim=(0, 1.2 * highest))
    return ax
