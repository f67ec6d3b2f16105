import json
import shutil
import subprocess

import pytest
from tiny_notebooks import REPOSITORY

SETTINGS = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text("utf-8"))


@pytest.mark.skipif(shutil.which("make") is None, reason="the container's command is make's")
def test_set_up_is_makes():
    """Does the container set up the environment that `make` would, where nothing is there yet?"""
    program, *arguments = SETTINGS["postCreateCommand"].split()
    assert program == "make"
    command = ["make", "--dry-run", "--always-make", *arguments]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "tools/set_up.py .venv test" in result.stdout


def test_interpreter_is_the_set_up_one():
    """Does the editor use the environment that was set up?"""
    interpreter = SETTINGS["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter.endswith("/.venv/bin/python")
    assert SETTINGS["postCreateCommand"].endswith(" .venv/.ready")
