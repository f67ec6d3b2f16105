"""Command that runs the claims of the lessons on seeds given from outside.

    python tests/notebooks/claims_on_seeds.py --seeds 1 2 3 [--resume]
                                              [--notebooks notebooks/02_lr_finder.ipynb ...]

Each lesson runs whole, once a seed, with `COURSE_SEED` set to it: all of the lesson's own seeds
move a thousand times as far, onto seeds on which nothing in it was chosen. A table counts the
verdicts; build/claims.json keeps each one with its effects, and with --resume the runs that it has
are not run again (twenty seeds of all lessons take hours). Exit status 1 where the claims of a
lesson all hold, or say "within noise", in fewer than 95 % of the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from notebook_cells import code_cells, tags

from course_utils._files import atomic_write
from course_utils.profiles import profile
from course_utils.teaching.claims import VERDICTS
from course_utils.training.device import usable_cores

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "claims.json"
MARK = 0.95  # of the runs
SECONDS_A_CELL = 3600  # a busy machine may be many times slower
# The names that a lesson's claims cell leaves behind, as text for this process.
REPORT = """\
import json
print(json.dumps([{"text": c.text, "bound": c.bound, "verdict": c.verdict,
                   "effects": c.effects} for c in claims]))
"""


def lessons_with_claims() -> list[Path]:
    """Name the notebooks that have a claims cell."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return [path for path in paths if has_claims(nbformat.read(path, 4))]


def has_claims(notebook: nbformat.NotebookNode) -> bool:
    """Say whether a notebook has a cell of claims."""
    return any("claims" in tags(cell) for cell in code_cells(notebook))


def claims_of(path: Path, seed: int) -> list[dict]:
    """Run a lesson on moved seeds in a kernel of its own, and return its claims.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell of the lesson fails.
    """
    notebook = nbformat.read(path, 4)
    notebook.cells.append(nbformat.v4.new_code_cell(REPORT))
    with tempfile.TemporaryDirectory() as folder:
        own = {"COURSE_SEED": str(seed), "COURSE_PROGRESS": f"{folder}/progress.json"}
        client = NotebookClient(
            notebook,
            timeout=SECONDS_A_CELL,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.execute(env={**os.environ, **own, "OMP_NUM_THREADS": "1"})
    printed = "".join(o.text for o in notebook.cells[-1].outputs if o.output_type == "stream")
    return json.loads(printed)


def summary(runs: Sequence[dict]) -> tuple[str, bool]:
    """Lay the verdicts out as a table, and say whether every lesson reaches the mark.

    Args:
        runs: one a lesson and seed: {"lesson": name, "seed": number, "claims": see `claims_of`}.
    """
    lines = [f"{'lesson, claim':62} " + " ".join(f"{verdict:>14}" for verdict in VERDICTS)]
    reached = True
    for lesson in sorted({run["lesson"] for run in runs}):
        own = [run["claims"] for run in runs if run["lesson"] == lesson]
        sound = sum(all(c["verdict"] != "does not hold" for c in claims) for claims in own)
        enough = sound >= MARK * len(own)
        reached &= enough
        words = "" if enough else ": too few"
        lines.append(f"{lesson}: no claim fails in {sound} of {len(own)} runs{words}")
        for versions in zip(*own, strict=True):
            counts = Counter(claim["verdict"] for claim in versions)
            lines.append(
                f"  {versions[0]['text'][:60]:60} "
                + " ".join(f"{counts[verdict]:14}" for verdict in VERDICTS)
            )
    return "\n".join(lines), reached


def missing(jobs: Sequence[tuple[Path, int]], runs: Sequence[dict]) -> list[tuple[Path, int]]:
    """Return the jobs, pairs of a notebook and a seed, that are not among the runs."""
    there = {(run["lesson"], run["seed"]) for run in runs}
    return [job for job in jobs if (job[0].stem, job[1]) not in there]


def main() -> int:
    """Run all lessons on all seeds, one kernel a core; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", nargs="+", type=int, required=True)
    parser.add_argument("--notebooks", nargs="*", type=Path)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    paths = options.notebooks or lessons_with_claims()
    runs = json.loads(RESULTS.read_text()) if options.resume and RESULTS.exists() else []
    jobs = missing([(path.resolve(), seed) for seed in options.seeds for path in paths], runs)

    def run(job: tuple[Path, int]) -> dict:
        path, seed = job
        return {"lesson": path.stem, "seed": seed, "claims": claims_of(path, seed)}

    print(f"{len(jobs)} runs of lessons, {profile()} profile; {len(runs)} are there already")
    with ThreadPoolExecutor(usable_cores()) as pool:
        for future in as_completed([pool.submit(run, job) for job in jobs]):
            done = future.result()
            runs.append(done)
            print(f"{done['lesson']}, seed {done['seed']}:", end=" ")
            print("; ".join(claim["verdict"] for claim in done["claims"]), flush=True)
            with atomic_write(RESULTS) as file:
                file.write(json.dumps(runs, indent=1).encode())
    text, reached = summary(runs)
    print(text)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
