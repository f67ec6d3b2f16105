"""Makes an environment with PyTorch and the course in it; `make` calls this once.

    python tools/set_up.py FOLDER EXTRA

Needs nothing but Python. With `uv` on the machine it takes seconds once the packages are cached;
without, pip does the work. On Linux without an NVIDIA GPU it takes PyTorch's CPU build from
PyTorch's own index, and pip's default build where that index cannot be reached. TORCH_INDEX names
another index, and must work.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
TORCH = ["torch", "torchvision"]
# No other source beside the index: its build of one and another's of the other do not fit together.
ALONE = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "UV_EXTRA_INDEX_URL": "",
    "UV_FIND_LINKS": "",
    "UV_NO_CONFIG": "1",
}


def main(folder: str, extra: str) -> int:
    """Make the environment; return the exit status."""
    has_gpu = shutil.which("nvidia-smi") is not None
    try:
        install = new_environment(Path(folder))
        install_torch(install, os.environ.get("TORCH_INDEX", ""), sys.platform, has_gpu)
        print(f"Installing the course and its packages ({extra}), some 300 MB.", flush=True)
        run([*install, "-e", f".[{extra}]"])
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


def new_environment(folder: Path) -> list[str]:
    """Make a virtual environment; return the command that installs into it."""
    version = sys.version.split()[0]
    uv = shutil.which("uv")
    words = "This takes seconds, with uv" if uv else "This takes some minutes"
    print(f"Setting up {folder} with Python {version}. {words}, once.", flush=True)
    bin_folder = folder / ("Scripts" if os.name == "nt" else "bin")
    if uv:  # --seed: pip is there as well, for later additions
        run([uv, "venv", "--quiet", "--clear", "--seed", "--python", sys.executable, str(folder)])
        return [uv, "pip", "install", "--python", str(bin_folder / "python")]
    run([sys.executable, "-m", "venv", str(folder)])
    return [str(bin_folder / "python"), "-m", "pip", "install"]


def install_torch(install: list[str], index: str, platform: str, has_gpu: bool) -> None:
    """Install the build of PyTorch that fits the machine, where it is not the default one."""
    if index:
        run([*install, "--index-url", index, *TORCH])
    elif platform == "linux" and not has_gpu:
        print("No NVIDIA GPU seen: fetching PyTorch's CPU build, some 200 MB.", flush=True)
        patience = [] if "uv" in Path(install[0]).name else ["--retries", "1", "--timeout", "15"]
        try:
            run([*install, *patience, "--index-url", CPU_INDEX, *TORCH], **ALONE)
        except subprocess.CalledProcessError:
            print(
                f"{CPU_INDEX} could not be used: taking pip's default build, which on Linux holds "
                "CUDA and has several GB.",
                flush=True,
            )


def run(command: list[str], **environment: str) -> None:
    """Run a command and show what it prints."""
    subprocess.run(command, check=True, env=os.environ | environment)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
