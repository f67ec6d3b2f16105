"""Run every row of the benchmarks; write `results.json` and `RESULTS.md` beside this file.

make bench

Each row is a module that runs in a process of its own, on one CPU thread and within a time limit.
A row that fails or takes longer is named as missing, and the exit status is 1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.report import document, machine, versions, write_json
from course_utils._files import atomic_write

RESULTS = Path(__file__).with_name("results.json")
# Seconds that a row may take, twice what it takes on a quiet laptop; 15 minutes together.
LIMITS = {
    "training_step": 180,
    "lr_finder_step": 90,
    "lr_finder_traces": 40,
    "lr_finder_answers": 80,
    "lr_finder_regret": 20,
    "image_feed": 60,
    "oversampling": 60,
    "one_cycle": 40,
    "mining": 210,
    "scale": 120,
}
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "PYTHONWARNINGS": "ignore"}


def run_rows(limits: Mapping[str, float]) -> tuple[list[dict], dict[str, str]]:
    """Run the row modules one after another.

    Args:
        limits: name of a module in this folder -> its seconds.

    Returns:
        The tables of those that ended, and for each other one why it has none.
    """
    tables, missing = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for name, limit in limits.items():
            path, start = Path(folder) / f"{name}.json", time.perf_counter()
            print(f"--- {name}, at most {limit} s", flush=True)
            command = [sys.executable, "-m", f"benchmarks.{name}", str(path)]
            try:
                subprocess.run(
                    command,
                    cwd=RESULTS.parent.parent,
                    env=os.environ | ENVIRONMENT,
                    timeout=limit,
                    check=True,
                )
                tables += json.loads(path.read_text(encoding="utf-8"))
            except subprocess.TimeoutExpired:
                missing[name] = f"it took more than {limit} s"
            except subprocess.CalledProcessError as error:
                missing[name] = f"it ended with the status {error.returncode}"
            print(f"--- {name}: {time.perf_counter() - start:.0f} s", flush=True)
    return tables, missing


def main() -> int:
    start = time.perf_counter()
    tables, missing = run_rows(LIMITS)
    facts = machine() | {"duration": f"{(time.perf_counter() - start) / 60:.1f} minutes"}
    content = {"machine": facts, "versions": versions(), "tables": tables, "missing": missing}
    write_json(RESULTS, content)
    with atomic_write(RESULTS.with_name("RESULTS.md")) as file:
        file.write(document(json.loads(RESULTS.read_text(encoding="utf-8"))).encode("utf-8"))
    for name, why in missing.items():
        print(f"{name} is missing: {why}.", file=sys.stderr)
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
