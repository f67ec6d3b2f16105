"""The real JupyterLab server, started by `make lab`, on a learner's own copy of the lessons."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "course-test"
SECONDS_TO_START = 120
# The others run in the smoke profile: see browser.run_all.
IN_QUICK = "02_lr_finder.ipynb"
# A kernel reads this first; Jupyter tells it which notebook it is for.
STARTUP = f"""\
import os

name = os.path.basename(os.environ["JPY_SESSION_NAME"])
os.environ["COURSE_PROFILE"] = "quick" if name == {IN_QUICK!r} else "smoke"
# As `make claims` does: a seed typed into a cell, where `settings` has one, is found here.
os.environ["COURSE_SEED"] = "1"
"""


@dataclass(frozen=True)
class Server:
    """A running JupyterLab.

    Attributes:
        address: where it answers.
        folder: the notebooks that it serves.
        progress: the file in which the learner's progress is kept.
    """

    address: str
    folder: Path
    progress: Path

    def lab(self, name: str) -> str:
        """Return the address of a notebook, in a workspace of its own.

        Without one JupyterLab would open again what was open before.
        """
        workspace = Path(name).stem
        return f"{self.address}/lab/workspaces/{workspace}/tree/{name}?token={TOKEN}"

    def end_kernel(self, name: str) -> None:
        """End the kernel of a notebook, whose memory the next lesson needs."""
        for session in json.loads(self._ask("GET", "/api/sessions")):
            if session["path"] == name:
                self._ask("DELETE", f"/api/sessions/{session['id']}")

    def is_busy(self, name: str) -> bool:
        """Say whether the kernel of a notebook is at work."""
        sessions = json.loads(self._ask("GET", "/api/sessions"))
        states = {s["path"]: s["kernel"]["execution_state"] for s in sessions}
        return states.get(name) == "busy"

    def answers(self) -> bool:
        """Say whether the server is there."""
        try:
            return bool(self._ask("GET", "/api/status"))
        except OSError:
            return False

    def _ask(self, method: str, path: str) -> bytes:
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(self.address + path, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()


@contextmanager
def running_server() -> Iterator[Server]:
    """Start JupyterLab as a learner does, but with notebooks, progress and settings of its own.

    They lie in a folder of the learner's, which git has to ignore.

    Raises:
        TimeoutError: it does not answer in time; what it printed is part of the message.
    """
    home = ROOT / "my_course"
    home.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="browser-", dir=home) as temporary, socket.socket() as probe:
        folder = Path(temporary) / "notebooks"
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        server = Server(
            f"http://127.0.0.1:{port}", folder, progress=Path(temporary) / "progress.json"
        )
        log = Path(temporary) / "log.txt"
        command = ["make", "--no-print-directory", "lab", f"PORT={port}", "BROWSER=no"]
        with log.open("wb") as written:
            process = subprocess.Popen(
                [*command, f"COURSE_HOME={folder}"],
                cwd=ROOT,
                env=_environment(Path(temporary), server),
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that make and all that it started can be ended
            )
        try:
            _wait(server, process, log)
            yield server
        finally:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def _environment(folder: Path, server: Server) -> dict[str, str]:
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "profile.py").write_text(STARTUP, encoding="utf-8")
    return {
        **os.environ,
        "JUPYTER_TOKEN": TOKEN,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
        "COURSE_PROGRESS": str(server.progress),
        "OMP_NUM_THREADS": "1",
    }


def _wait(server: Server, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while not server.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            text = log.read_text(encoding="utf-8", errors="replace")
            raise TimeoutError(
                f"`make lab` did not answer within {SECONDS_TO_START} s; it printed:\n{text}"
            )
        time.sleep(0.5)
