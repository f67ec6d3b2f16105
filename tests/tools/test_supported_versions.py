import stat
import sys

import pytest
import supported_versions
from supported_versions import find_python, lower_bounds, python_version


def write_python(path, version):
    """Write a program that answers as an interpreter of this version does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {' '.join(version.split('.'))}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def pythons(tmp_path, monkeypatch):
    """Put interpreters on the PATH and where pyenv has its own; return them by version."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    places = {
        "3.12.1": "bin/python3",
        "3.9.18": "pyenv/versions/3.9.18/bin/python",
        "3.10.13": "pyenv/versions/3.10.13/bin/python",
        "3.9.2": "bin/python3.13",
    }
    found = {version: write_python(tmp_path / place, version) for version, place in places.items()}
    write_python(tmp_path / "bin/python3.14", "3.14.0")
    (tmp_path / "bin/python3.14").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")  # as a shim
    return found


def test_lower_bounds():
    """Is each requirement pinned to its lower bound, and its marker kept?"""
    requirements = ["torch>=2.9", "tomli>=2.0; python_version < '3.11'"]
    assert lower_bounds(requirements) == ["torch==2.9", "tomli==2.0; python_version < '3.11'"]


def test_python_version(tmp_path):
    """Is an interpreter asked for its version, and one that does not run left out?"""
    assert python_version(sys.executable) == sys.version_info[:3]
    assert python_version(tmp_path / "none") is None


def test_find_python(pythons):
    """Is it the oldest or newest that runs, of those that are not too old, wherever it lies?"""
    assert find_python("oldest", (3, 10)) == pythons["3.10.13"]
    assert find_python("newest", (3, 10)) == pythons["3.12.1"]
    assert find_python("oldest", (3, 9)) == pythons["3.9.2"]


def test_no_python(pythons):
    """Does a sentence say so where every interpreter is too old?"""
    with pytest.raises(FileNotFoundError, match=r"No Python 3\.13 or newer .* PYTHON=/path"):
        find_python("newest", (3, 13))


@pytest.mark.parametrize("arguments", [[], ["old"]])
def test_unknown_argument(arguments, capsys):
    """Is another word than oldest or newest refused, before anything is made?"""
    assert supported_versions.main(arguments) == 2
    assert "but must be oldest or newest" in capsys.readouterr().err
