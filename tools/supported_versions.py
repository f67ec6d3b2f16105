"""Command that runs the unit tests on the oldest or the newest Python and packages to be had.

    python tools/supported_versions.py oldest [arguments of pytest]

The oldest environment has each package at its lower bound of pyproject.toml; the newest has what
pip finds. Each is made once, in build/oldest or build/newest, on the oldest or newest Python that
is on the PATH or that pyenv has. PYTHON=... names another, TORCH_INDEX=... the address of PyTorch's
CPU build.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from editions.colab import read_project

ROOT = Path(__file__).resolve().parents[1]
# The groups that the unit tests need.
GROUPS = "test,grading"
# What a Python must have, and how it tells its version.
PROBE = "import ensurepip, sys, venv; print(*sys.version_info[:3])"


def lower_bounds(requirements: list[str]) -> list[str]:
    """Return requirements that ask for exactly their lower bound: "torch>=2.9" for "torch==2.9"."""
    return [requirement.replace(">=", "==", 1) for requirement in requirements]


def python_version(python: str | Path) -> tuple[int, ...] | None:
    """Return an interpreter's version, or None where it does not run or can make no environment."""
    try:
        result = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(map(int, result.stdout.split()))


def find_python(which: str, least: tuple[int, ...]) -> str:
    """Return the path of the oldest or newest Python found.

    Args:
        which: "oldest" or "newest".
        least: no older version is looked at.

    Raises:
        FileNotFoundError: there is none.
    """
    names = ["python3", "python", *(f"python3.{minor}" for minor in range(least[1], 30))]
    pythons = [path for name in names if (path := shutil.which(name))]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    pythons += map(str, sorted(pyenv.glob("versions/*/bin/python")))
    versions = {python: version for python in pythons if (version := python_version(python))}
    fitting = {python: version for python, version in versions.items() if version >= least}
    if not fitting:
        words = ".".join(map(str, least))
        raise FileNotFoundError(
            f"No Python {words} or newer with the venv module was found: install one, or name it "
            "by PYTHON=/path/to/python3."
        )
    return (min if which == "oldest" else max)(fitting, key=fitting.get)


def make_environment(which: str, folder: Path, python: str) -> None:
    """Make the environment anew, unless it is younger than pyproject.toml."""
    ready = folder / ".ready"
    if ready.exists() and ready.stat().st_mtime > (ROOT / "pyproject.toml").stat().st_mtime:
        return
    subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--progress-bar=off"]
    if which == "oldest":
        project = read_project(ROOT / "pyproject.toml")
        groups = [project["optional-dependencies"][group] for group in GROUPS.split(",")]
        bounds = lower_bounds(sum(groups, project["dependencies"]))
        (folder / "bounds.txt").write_text("\n".join(bounds), encoding="utf-8")
        pip += ["--constraint", folder / "bounds.txt"]
    if index := os.environ.get("TORCH_INDEX"):
        subprocess.run([*pip, "--index-url", index, "torch", "torchvision"], check=True)
    subprocess.run([*pip, "-e", f"{ROOT}[{GROUPS}]"], check=True)
    ready.touch()


def main(arguments: list[str]) -> int:
    """Make the environment and run the tests in it; the exit status is pytest's."""
    which, *rest = arguments or ["nothing"]
    if which not in ("oldest", "newest"):
        print(f"The first argument is {which!r}, but must be oldest or newest.", file=sys.stderr)
        return 2
    requires = read_project(ROOT / "pyproject.toml")["requires-python"]
    least = tuple(map(int, re.findall(r"\d+", requires)))
    folder = ROOT / "build" / which
    try:
        make_environment(which, folder, os.environ.get("PYTHON") or find_python(which, least))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    python = folder / "bin" / "python"
    code = (
        "import platform, torch, numpy, matplotlib as m; "
        "print('Python', platform.python_version(), '| torch', torch.__version__, '| numpy', "
        "numpy.__version__, '| matplotlib', m.__version__, flush=True)"
    )
    subprocess.run([python, "-c", code], check=True)
    return subprocess.run([python, "-m", "pytest", *(rest or ["tests"])], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
