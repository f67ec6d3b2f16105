"""Command that breaks course_utils in many ways and sees whether the tests catch each one.

    python tests/bite.py

Each break changes one place of a copy of the package; then the tests of that module run against the
copy. A break that no test catches is a hole in the tests: the command names it and fails. The same
tests run first against an unbroken copy, lest a test that always fails be taken for a good one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Break:
    """One change of the source, and the tests that should notice it."""

    what: str
    module: str
    old: str
    new: str
    tests: tuple[str, ...]


BREAKS = (
    Break(
        "a widget's picture keeps what the one before drew",
        "sketch",
        "                artist.remove()",
        "                pass",
        ("sketch",),
    ),
    Break(
        "a slider is greyed out and never comes back",
        "widgets",
        "control.disabled = name in unused(**settings)",
        "control.disabled |= name in unused(**settings)",
        ("widgets",),
    ),
    Break(
        "a sweep is smoothed before its range is cut",
        "lr_reading",
        "    rule.read(list(torch.tensor(losses, dtype=torch.float64)))",
        "    rule.read(list(torch.tensor(curve.losses, dtype=torch.float64)))",
        ("lr_reading",),
    ),
    Break(
        "an operating point lies beside its recall",
        "operating_point",
        "at = curve.thresholds == threshold_at_recall(curve, recall)",
        "at = curve.thresholds == threshold_at_recall(curve, recall / 2)",
        ("operating_point",),
    ),
    Break(
        "undersampling is said to keep the largest class",
        "oversampling_cost",
        "len(counts) * smallest",
        "len(counts) * largest // 2",
        ("oversampling_cost",),
    ),
    Break(
        "the LR finder does not restore",
        "snapshot",
        "for put_back in restore:",
        "for put_back in ():",
        ("lr_finder",),
    ),
    Break(
        "batch-norm statistics are not restored",
        "snapshot",
        "            buffer.copy_(value)\n",
        "",
        ("snapshot", "lr_finder"),
    ),
    Break(
        "the smoothing's bias is not corrected",
        "smoothing",
        "(1 - self.beta) / (1 - self.beta**self.count)",
        "(1 - self.beta)",
        ("smoothing",),
    ),
    Break(
        "the lag of the smoothing is not corrected",
        "lr_curve",
        "return smooth_centred(capped, 1 - 1 / reach)",
        "return np.array(self.smoothed)",
        ("lr_curve",),
    ),
    Break(
        "the stop rule looks at the raw loss",
        "stop_rule",
        "if smoothed > self._best",
        "if loss > self._best",
        ("stop_rule",),
    ),
    Break(
        "a suggestion may lie beside a NaN",
        "lr_curve",
        'if self.stop_reason == "non-finite":',
        "if False:",
        ("lr_curve", "lr_finder"),
    ),
    Break(
        "the ratios between parameter groups are lost",
        "lr_finder",
        'group["lr"] = lr * ratio',
        'group["lr"] = lr',
        ("lr_finder",),
    ),
    Break(
        "accumulated batches are not weighted",
        "train_step",
        "weight=len(batch[1]) / total",
        "weight=1 / len(batches)",
        ("train_step",),
    ),
    Break(
        "the momentum's cycle is inverted",
        "one_cycle_curve",
        "phases = (Phase(leg, (low, max_lr), momentum), down)\n        if tail:",
        "phases = (Phase(leg, (low, max_lr), _mix(momentum, 1, 0)), down)\n        if tail:",
        ("one_cycle_curve",),
    ),
    Break(
        "the tail is missing",
        "one_cycle_curve",
        "if tail:\n            phases += (Phase(last, (low",
        "if False:\n            phases += (Phase(last, (low",
        ("one_cycle_curve",),
    ),
    Break(
        "Smith's form refuses divisions that leave a stretch no length",
        "one_cycle_curve",
        "(phases[0], *compress(phases[1:], rising))",
        "phases",
        ("one_cycle_curve",),
    ),
    Break(
        "a schedule runs past its end",
        "one_cycle",
        "        if self.finished:\n            raise",
        "        if False:\n            raise",
        ("one_cycle",),
    ),
    Break(
        "steps that the gradient scaler skips count",
        "one_cycle",
        "if found_inf is None or not found_inf.item():",
        "if True:",
        ("one_cycle",),
    ),
    Break(
        "shuffling is off",
        "batches",
        "if self.shuffle else torch.arange(size)",
        "if False else torch.arange(size)",
        ("batches",),
    ),
    Break(
        "every epoch has the same order",
        "batches",
        "SeedSequence((self.seed, epoch))",
        "SeedSequence((self.seed, 0))",
        ("batches",),
    ),
    Break(
        "augmentation leaks into validation",
        "batches",
        "self._sources = None\n",
        "self._sources, augment = None, augment or Augment()\n",
        ("batches",),
    ),
    Break(
        "images are not normalised",
        "batches",
        ".mul_(self._scale).add_(self._shift)",
        "",
        ("batches",),
    ),
    Break(
        "training and validation images overlap",
        "image_set",
        "parts = order[: sum(sizes)].split(list(sizes))",
        "parts = [order[:size] for size in sizes]",
        ("image_set",),
    ),
    Break(
        "the split is not stratified",
        "image_set",
        "order = shuffled[place[shuffled].argsort(stable=True)]",
        "order = shuffled",
        ("image_set",),
    ),
    Break(
        "means are not weighted by batch size",
        "evaluation",
        "return sum(map(mul, values, weights)) / sum(weights)",
        "return sum(values) / len(values)",
        ("evaluation", "training"),
    ),
    Break(
        "evaluation runs in train mode",
        "snapshot",
        "    model.eval()\n",
        "",
        ("snapshot", "evaluation"),
    ),
    Break(
        "a loss that is not finite goes unnoticed",
        "run_log",
        "            if not math.isfinite(loss):\n                for",
        "            if False:\n                for",
        ("training",),
    ),
    Break(
        "the old file goes before the new one is whole",
        "files",
        "path = Path(path)",
        "path = Path(path)\n    path.unlink(missing_ok=True)",
        ("files", "checkpoint"),
    ),
    Break(
        "a second Ctrl-C ends what undoes the first",
        "interrupts",
        "if not came:",
        "if True:",
        ("interrupts",),
    ),
    Break(
        "a diverged detector finds nothing",
        "centre_maps",
        "if maps.isnan().any():",
        "if False:",
        ("centre_maps", "bad_inputs"),
    ),
    Break(
        "a download is unpacked in its place",
        "cifar10",
        'folder / "cifar-10.part"',
        "folder",
        ("faults",),
    ),
    Break(
        "a resumed run forgets the random generators",
        "run_checkpoint",
        'set_rng_state(own["rng"])',
        "pass",
        ("run_checkpoint",),
    ),
    Break(
        "a resumed run forgets the optimizer",
        "run_checkpoint",
        '            "optimizer": step.optimizer,\n',
        "",
        ("run_checkpoint",),
    ),
    Break(
        "every answer to an exercise passes",
        "checks",
        "        if words:\n            start",
        "        if False:\n            start",
        ("checks",),
    ),
    Break(
        "every claim holds",
        "claims",
        'return "holds" if holds else',
        'return "holds" if True else',
        ("claims",),
    ),
    Break(
        "two notebooks overwrite each other's progress",
        "progress",
        "            lessons = _with_unsaved(_read(path))",
        "            lessons = _with_unsaved({})",
        ("progress",),
    ),
    Break(
        "oversampling repeats the same few images",
        "sampling",
        "turns % counts[:, None]",
        "(turns * 0) % counts[:, None]",
        ("sampling",),
    ),
    Break(
        "ranks see the same samples",
        "sampling",
        "indices[self.rank :: self.world_size]",
        "indices[self.rank :]",
        ("sampling",),
    ),
    Break(
        "ranks get the same images",
        "batches",
        "own_part(self.batch_size)",
        "slice(None)",
        ("ranks",),
    ),
    Break(
        "a rank's mean loss counts as that of another, larger part",
        "train_step",
        "loss * share.to(loss.dtype)",
        "loss * 1",
        ("ranks",),
    ),
    Break(
        "a resumed run of ranks groups gradients otherwise",
        "train_step",
        "self._has_met = not are_running()",
        "self._has_met = True",
        ("ranks",),
    ),
    Break(
        "each rank has a history of its own part",
        "run_log",
        "    if world_size() == 1:\n        return losses, sizes\n",
        "    return losses, sizes\n",
        ("ranks",),
    ),
    Break(
        "all ranks resume with rank 0's random numbers",
        "run_checkpoint",
        '[state, *state.get("other_ranks", [])][rank()]',
        "state",
        ("ranks",),
    ),
    Break(
        "every rank mines all scenes",
        "mining",
        "own = start + rank() * self.batch_size",
        "own = start",
        ("ranks",),
    ),
    Break(
        "a rank waits on when it is told to stop",
        "ending",
        "            if signal.SIGTERM in numbers:",
        "            if False:",
        ("ending",),
    ),
    Break(
        "the prior is added, not taken away",
        "prior_correction",
        "return logits - log_prior",
        "return logits + log_prior",
        ("prior_correction",),
    ),
    Break(
        "recall is taken over predictions",
        "class_metrics",
        "totals = matrix.sum(1)",
        "totals = matrix.sum(0)",
        ("class_metrics",),
    ),
    Break(
        "a ship's mask is read row by row",
        "rle",
        "reshape(width, height).T",
        "reshape(height, width)",
        ("rle",),
    ),
    Break(
        "one true box is found twice",
        "box_matching",
        " and column not in taken",
        "",
        ("box_matching",),
    ),
    Break(
        "precision is not made to fall",
        "detection_metrics",
        "np.maximum.accumulate(precision[::-1])[::-1]",
        "precision",
        ("detection_metrics",),
    ),
    Break(
        "near-duplicates stay",
        "hard_negatives",
        "if not rivals[:easier].any() and not rivals[len(old) :].any():",
        "if True:",
        ("hard_negatives",),
    ),
    Break(
        "the easier of two that look alike stays",
        "hard_negatives",
        "stays[easier : len(old)] &= ~rivals[easier : len(old)]",
        "pass",
        ("hard_negatives",),
    ),
    Break(
        "some images lie on both sides of a split",
        "group_split",
        "for i, key in enumerate(groups) if key in chosen)",
        "for i, key in enumerate(groups) if key in chosen or i == 0)",
        ("group_split",),
    ),
    Break(
        "a ship that the table has twice counts twice",
        "airbus",
        "if double is None:",
        "if True:",
        ("airbus",),
    ),
    Break(
        "oriented boxes are never turned",
        "oriented_box",
        "best = int(np.argmin(np.round(sides.prod(1), 9)))",
        "best = 0",
        ("oriented_box",),
    ),
    Break(
        "the pretrained weights are not taken over",
        "fpn_detector",
        "return build(weights=weights)",
        "return build()",
        ("fpn_detector",),
    ),
    Break(
        "a resumed scan looks at all scenes again",
        "mining",
        'names = ("position", "scanned", "seconds", "unreadable")',
        'names = ("scanned", "seconds", "unreadable")',
        ("mining",),
    ),
    Break(
        "a scan of another model goes on",
        "mining",
        'if state.pop("key", None) != self._key():',
        'if not state.pop("key", None):',
        ("mining",),
    ),
    Break(
        "overfit_check leaves dropout off",
        "overfit_check",
        "            layer.p = p\n",
        "            pass\n",
        ("overfit_check",),
    ),
    Break(
        "gradients that add up go unseen",
        "step_checks",
        "seen[1] - 2 * seen[0]",
        "seen[1] - 9 * seen[0]",
        ("step_checks",),
    ),
    Break(
        "a failed check raises nothing when graded",
        "checks",
        "if is_graded() and not outcome.passed:",
        "if False:",
        ("checks",),
    ),
    Break(
        "a swallowed end is not raised again",
        "watchdog",
        "        sys.settrace(_raise_again)\n",
        "",
        ("watchdog",),
    ),
    Break(
        "grading writes into the teacher's progress",
        "progress",
        "    if is_graded():\n        return False\n",
        "",
        ("progress",),
    ),
    Break(
        "a near miss passes",
        "editions/near_misses",
        "alike or SOLUTION in plain",
        "SOLUTION in plain",
        ("editions/near_misses",),
    ),
    Break(
        "a solution survives in an attachment",
        "editions/leaks",
        '("source", "outputs", "attachments", "metadata")',
        '("source", "outputs", "metadata")',
        ("editions/leaks",),
    ),
    Break(
        "a solution with other spaces survives",
        "editions/leaks",
        'return re.sub(r"\\s+", "", html.unescape(text))',
        "return html.unescape(text)",
        ("editions/leaks",),
    ),
    Break(
        "an edited check is graded as it is",
        "editions/restored_checks",
        "            cell = original\n",
        "            pass\n",
        ("editions/restored_checks",),
    ),
    Break(
        "a deleted check is not graded",
        "editions/restored_checks",
        "return cells + [cell for cell in missing if cell.metadata.nbgrader.grade]",
        "return cells",
        ("editions/restored_checks",),
    ),
)


def copy_tree(folder: Path) -> None:
    """Copy what the tests need; the data are linked."""
    shutil.copytree(ROOT / "course_utils", folder / "course_utils")
    shutil.copytree(ROOT / "tests", folder / "tests")
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / "data").symlink_to(ROOT / "data")
    (folder / "notebooks").mkdir()


def broken_source(change: Break) -> str:
    """Return the source of the module with the break in it.

    Raises:
        ValueError: the place to break is not there exactly once.
    """
    source = (ROOT / "course_utils" / f"{change.module}.py").read_text(encoding="utf-8")
    if source.count(change.old) != 1:
        raise ValueError(
            f"{change.what}: {change.old!r} stands {source.count(change.old)} times in "
            f"{change.module}.py, but must stand once: bring tests/bite.py up to date."
        )
    return source.replace(change.old, change.new)


def first_failure(tests: tuple[str, ...], change: Break | None = None) -> str | None:
    """Run tests against a fresh copy, broken if asked, and return the first that fails, or None.

    Raises:
        RuntimeError: pytest could not run them.
    """
    with tempfile.TemporaryDirectory(prefix="bite-") as name:
        folder = Path(name)
        copy_tree(folder)
        if change is not None:
            path = folder / "course_utils" / f"{change.module}.py"
            path.write_text(broken_source(change), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "--timeout=120"]
        files = [str(Path("tests", test).with_name(f"test_{Path(test).name}.py")) for test in tests]
        command += ["-p", "no:cacheprovider", *files]
        environment = {**os.environ, "PYTHONPATH": name, "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    failures = [line for line in run.stdout.splitlines() if line.startswith("FAILED")]
    if run.returncode not in (0, 1) or (run.returncode == 1 and not failures):
        raise RuntimeError(f"pytest could not run {', '.join(tests)}:\n{run.stdout}\n{run.stderr}")
    return failures[0].split(" - ")[0].split("::", 1)[-1] if failures else None


def main() -> int:
    """Try every break, two at once, print a table, and return 1 if one was missed."""
    every_test = tuple(sorted({test for change in BREAKS for test in change.tests}))
    with ThreadPoolExecutor(2) as pool:
        unbroken = pool.submit(first_failure, every_test)
        caught = list(pool.map(lambda change: first_failure(change.tests, change), BREAKS))
    if unbroken.result():
        print(f"{unbroken.result()} fails without any break: mend that first.")
        return 1
    for change, test in zip(BREAKS, caught, strict=True):
        print(f"{change.what:48} {'MISSED' if test is None else f'caught by {test}'}")
    missed = caught.count(None)
    print(f"{len(BREAKS) - missed} of {len(BREAKS)} breaks were caught.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
