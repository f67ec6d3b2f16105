"""Command that runs tests as on machines that are not like the author's, each in a fresh clone.

    python tools/odd_machines.py [--on NAME ...] [arguments of pytest]

Without arguments: on all MACHINES, the unit tests that are not slow and two lessons. It clones what
is committed, and uses the environment that it runs in. For Linux alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
LESSONS = ("notebooks/00_start_here.ipynb", "notebooks/07_plot_the_losses.ipynb")
USUAL = ("-m", "not slow", "tests", *LESSONS)


def apart(kind: str, first: str) -> tuple[str, ...]:
    """Return what runs a command after a first one, both in a name space of their own."""
    rights = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return ("unshare", *rights, kind, "sh", "-c", f'{first} && exec "$@"', "sh")


@dataclass(frozen=True)
class Machine:
    """How a machine is odd.

    Attributes:
        folder: of the clone, below a new one.
        mode: of that new one.
        variables: of the environment; TOP stands for the new folder, SHM for one in memory.
        before: what is written before the command.
        busy: endless loops beside it.
    """

    folder: str = "course"
    mode: int = 0o755
    variables: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    busy: int = 0


MACHINES = {
    "closed-folder": Machine(
        mode=0o700,
        variables={"TMPDIR": "TOP/tmp"},
        before=("sh", "-c", 'mkdir -p "$TMPDIR" && exec "$@"', "sh"),
    ),
    "one-core": Machine(before=("taskset", "--cpu-list", "0")),
    "busy": Machine(busy=4),
    "odd-path": Machine(folder="ein Kürs/x y"),
    "locale-c": Machine(variables={"LC_ALL": "C", "LANG": "C"}),
    "read-only-home": Machine(
        variables={"HOME": "TOP/home"},
        before=apart("--mount", 'mkdir -p "$HOME" && mount -t tmpfs -o ro none "$HOME"'),
    ),
    "other-tmp": Machine(variables={"TMPDIR": "SHM"}),
    "no-network": Machine(before=apart("--net", "ip link set lo up")),
}


@contextmanager
def busy_loops(count: int) -> Iterator[list[subprocess.Popen]]:
    """Keep that many processes busy."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield loops
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def run_on(machine: Machine, command: Sequence[str]) -> int | None:
    """Run a command in a fresh clone on an odd machine.

    Returns:
        The exit status; None where one may not make this machine so.
    """
    with TemporaryDirectory(prefix="odd-") as top, TemporaryDirectory(dir="/dev/shm") as shm:
        os.chmod(top, machine.mode)
        clone = Path(top) / machine.folder
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        variables = {"PYTHONPATH": str(clone)} | machine.variables
        environment = os.environ | {
            name: value.replace("TOP", top).replace("SHM", shm) for name, value in variables.items()
        }
        allowed = subprocess.run([*machine.before, "true"], env=environment).returncode == 0
        if not allowed:
            return None
        with busy_loops(machine.busy):
            whole = [*machine.before, *command]
            return subprocess.run(whole, cwd=clone, env=environment).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests on each machine and print how they went; the exit status is 1 on a failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--on", action="append", choices=MACHINES, metavar="NAME")
    own, selection = parser.parse_known_args(arguments)
    command = [sys.executable, "-m", "pytest", *(selection or USUAL)]
    results = {}
    for name in own.on or MACHINES:
        print(f"--- {name}", flush=True)
        results[name] = run_on(MACHINES[name], command)
    for name, status in results.items():
        print(f"{name:15}", {0: "green", None: "skipped: not allowed here"}.get(status, "FAILED"))
    return int(any(results.values()))


if __name__ == "__main__":
    sys.exit(main())
