import os
import shutil
import subprocess
import sys
import sysconfig

import nbformat
import pytest
from editions.colab import (
    PLACEHOLDER,
    AddFirstCell,
    first_cell,
    main,
    owner_and_name,
    read_project,
    repository_address,
)
from tiny_notebooks import REPOSITORY, code, notebook

LESSON = "00_start_here.ipynb"
PROJECT = """\
[project]
name = "course_utils"
dependencies = ["torch>=2.9", "jupyterlab>=4.2", "numpy>=1.26"]
[project.urls]
Repository = "{address}"
"""


def test_lesson_stays_as_it_is():
    """Is the cell put in front, collapsed, and is nothing else of the lesson changed?"""
    lesson = notebook(code("x = 1", prints="1\n"), code("x"))
    before = lesson.cells.copy()
    after, _ = AddFirstCell(address="https://a.org/b", packages=["x>=1"]).preprocess(lesson, {})
    assert after.cells[1:] == before
    assert after.cells[0].metadata == {"cellView": "form", "jupyter": {"source_hidden": True}}
    nbformat.validate(after)


def test_does_nothing_where_the_course_is(monkeypatch):
    """Does the cell leave a machine alone that has the course?"""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("ran a command"))
    folder, path = os.getcwd(), sys.path.copy()
    exec(first_cell("https://a.org/b", ["torch>=2.9"]).source, {})
    assert (os.getcwd(), sys.path) == (folder, path)


@pytest.mark.parametrize(
    "address, is_told",
    [(f"https://github.com/{PLACEHOLDER}", True), ("https://github.com/ann/tricks", False)],
)
def test_command(tmp_path, capsys, address, is_told):
    """Has each notebook the address and the packages, and is it said that one is missing?"""
    project = tmp_path / "pyproject.toml"
    project.write_text(PROJECT.format(address=address), encoding="utf-8")
    lesson = REPOSITORY / "notebooks" / LESSON
    assert main(["--to", str(tmp_path / "out"), "--project", str(project), str(lesson)]) == 0
    written = nbformat.read(tmp_path / "out" / LESSON, as_version=4)
    first = written.cells[0].source
    assert f'"{address}", "course"' in first and '["torch>=2.9", "numpy>=1.26"]' in first
    assert ("is a placeholder" in capsys.readouterr().out) == is_told


@pytest.fixture
def published(tmp_path):
    """Commit the working tree, as it is now, to a repository that can be cloned."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip("not a git repository: which files belong to it is unknown")
    folder = tmp_path / "published"
    for name in filter(None, result.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    author = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "all"]):
        subprocess.run(["git", *author, *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def bare_python(tmp_path):
    """Make an environment with all that is installed here except for the course itself.

    A path in a .pth file brings the packages of a folder, but no package installed as editable.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (site_packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site_packages / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return tmp_path / "venv" / "bin" / "python"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the environment's folders have other names there")
def test_runs_where_the_course_is_missing(tmp_path, published, bare_python):
    """Does lesson 00 start in an empty folder, where no course is installed and pip is offline?"""
    project = tmp_path / "pyproject.toml"
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    address = repository_address(read_project(REPOSITORY / "pyproject.toml"))
    project.write_text(text.replace(address, published.as_uri()), encoding="utf-8")
    lesson = nbformat.read(REPOSITORY / "notebooks" / LESSON, as_version=4)
    last = next(i for i, cell in enumerate(lesson.cells) if "course_map(" in cell.source)
    lesson.cells = lesson.cells[: last + 1]  # all but the training, which asks for no more
    nbformat.write(lesson, tmp_path / LESSON)
    folder = tmp_path / "content"
    main(["--to", str(folder), "--project", str(project), str(tmp_path / LESSON)])

    unset = ("PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    run = {"cwd": folder, "env": environment | {"PIP_NO_INDEX": "1"}, "text": True}
    run |= {"capture_output": True, "check": False}
    assert (
        "course_utils" in subprocess.run([bare_python, "-c", "import course_utils"], **run).stderr
    )
    convert = ["-m", "nbconvert", "--to", "notebook", "--inplace", "--execute", LESSON]
    result = subprocess.run([bare_python, *convert], **run)
    assert result.returncode == 0, result.stderr
    outputs = [o for c in nbformat.read(folder / LESSON, 4).cells for o in c.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs)
    assert "60000 training and 10000 test images" in printed
    assert "Start here                              30\n" in printed  # not "in preparation"


@pytest.mark.parametrize("end", ["", "/", ".git"])
def test_address(end):
    """Is the address taken without what some write at its end?"""
    project = {"urls": {"Repository": f"https://github.com/ann/tricks{end}"}}
    assert repository_address(project) == "https://github.com/ann/tricks"


def test_no_address():
    """Is a project without an address told where to write it?"""
    with pytest.raises(ValueError, match=r"under \[project.urls\]"):
        repository_address({})


def test_owner_and_name():
    """Is the name on GitHub read, and another host refused in a sentence?"""
    assert owner_and_name("https://github.com/ann-b/tricks.2") == "ann-b/tricks.2"
    with pytest.raises(ValueError, match="take the badges out"):
        owner_and_name("https://gitlab.com/ann/tricks")
