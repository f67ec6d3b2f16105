import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_notebooks import REPOSITORY

from course_utils.teaching import progress

WRITER = """
import sys
from course_utils.teaching.progress import record
for number in range(20):
    record("02", "quiz", f"{sys.argv[1]}-{number}", {"right": True})
"""


def test_default_path(monkeypatch):
    """Lies the file in the learner's home folder, and not in the repository, by default?"""
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    assert progress.progress_path() == Path.home() / ".course_progress.json"


def test_entries_come_back(path):
    """Are entries of several lessons kept, the newest of a name, in JSON that a person can read?"""
    assert progress.load() == {}
    assert progress.record("02", "quiz", "1", {"answer": "A", "right": False})
    assert progress.record("02", "quiz", "1", {"answer": "B", "right": True})
    assert progress.record("04", "exercises", "curve ✓", True)
    expected = {
        "02": {"quiz": {"1": {"answer": "B", "right": True}}},
        "04": {"exercises": {"curve ✓": True}},
    }
    assert progress.load() == expected
    assert json.loads(path.read_text(encoding="utf-8")) == expected
    assert '\n    "exercises": {\n      "curve ✓": true' in path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_notebooks_writing_at_once(path):
    """Is no entry lost when several processes write at the same time?"""
    command = [sys.executable, "-c", WRITER]
    writers = [subprocess.Popen([*command, str(number)], cwd=REPOSITORY) for number in range(4)]
    assert [writer.wait(timeout=500) for writer in writers] == [0] * 4
    assert len(progress.load()["02"]["quiz"]) == 4 * 20


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\0" * 99, b'{"02": {"qu', b'{\n  "02": {"quiz": {"1": \xff\xfe']
)
@pytest.mark.parametrize("by", ["load", "record"])
def test_damaged_file_is_set_aside(path, content, by, capsys):
    """Is a damaged file kept under another name, with one sentence, and a new one begun?"""
    path.parent.mkdir()
    path.write_bytes(content)
    if by == "load":
        assert progress.load() == {}
    else:
        assert progress.record("02", "exercises", "core", True)
    aside = path.with_name("progress.json.damaged")
    assert aside.read_bytes() == content
    sentence = capsys.readouterr().err
    assert "is damaged" in sentence and str(aside) in sentence and sentence.count("\n") == 1


def test_second_damage_keeps_the_first(path):
    """Are two damaged files both kept?"""
    path.parent.mkdir()
    for content in (b'{"02": first', b'{"02": second'):
        path.write_bytes(content)
        progress.load()
    kept = {name: (path.parent / name).read_bytes() for name in os.listdir(path.parent)}
    assert kept["progress.json.damaged"] == b'{"02": first'
    assert kept["progress.json.damaged2"] == b'{"02": second'


@pytest.mark.parametrize(
    "content, words",
    [
        (b"\\documentclass{article}", "is no progress file"),
        (b"\xff\xd8\xff", "is no progress file"),
        (b'{"cells": [', "is no progress file"),
        (b'{"name": "a package"}', "of a newer version"),
        (b'{"version": 2, "lessons": {"02": {"quiz": {"1": {"right": true}}}}}', "newer version"),
        (b'{"02": {"quiz": []}}', "newer version"),
        (b"[]", "newer version"),
    ],
)
def test_file_of_another_kind(path, content, words, capsys):
    """Stays a file that is none of ours, or a newer version's, and are the answers remembered?"""
    path.parent.mkdir()
    path.write_bytes(content)
    assert progress.load() == {}
    assert not progress.record("02", "exercises", "core", True)
    assert progress.load() == {"02": {"exercises": {"core": True}}}
    sentence = capsys.readouterr().err
    assert words in sentence and "COURSE_PROGRESS" in sentence and sentence.count("\n") == 1
    assert path.read_bytes() == content
    path.unlink()
    assert progress.record("02", "exercises", "pick", True)
    assert progress.load() == {"02": {"exercises": {"core": True, "pick": True}}}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes")
def test_pipe_stays(path, capsys):
    """Is what cannot be a file neither read, which may never end, nor renamed nor replaced?"""
    path.parent.mkdir()
    os.mkfifo(path)
    assert progress.load() == {}
    assert not progress.record("02", "exercises", "core", True)
    sentence = capsys.readouterr().err
    assert "a device or a pipe" in sentence and sentence.count("\n") == 1
    assert os.listdir(path.parent) == [path.name] and stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="links need a right there")
def test_link_stays(path, tmp_path):
    """Is a link's file read, written and, when damaged, set aside, and the link still one?"""
    own = tmp_path / "synced" / "progress.json"
    own.parent.mkdir()
    own.write_bytes(b'{"02": {"qu')
    path.parent.mkdir()
    path.symlink_to(own)
    assert progress.record("02", "exercises", "core", True)
    assert path.is_symlink() and json.loads(own.read_text()) == progress.load()
    assert own.with_name("progress.json.damaged").read_bytes() == b'{"02": {"qu'


@pytest.mark.parametrize("named", ["", "~nobody-of-that-name/progress.json"])
def test_no_home(named, tmp_path, monkeypatch, capsys):
    """Does the lesson go on, with a sentence, where nobody knows the home folder?"""
    monkeypatch.setenv("COURSE_PROGRESS", named)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**30, raising=False)  # of a user without an entry
    monkeypatch.chdir(tmp_path)
    assert progress.load() == {}
    assert not progress.record("02", "exercises", "core", True)
    sentence = capsys.readouterr().err
    assert "home folder that is not known" in sentence and sentence.count("\n") == 1
    assert progress.load() == {"02": {"exercises": {"core": True}}}
    assert os.listdir(tmp_path) == []


def test_lock_of_another_program(path, monkeypatch, capsys):
    """Is a lock that another program holds told as that, and the entry written with the next?"""
    monkeypatch.setattr(progress, "_PATIENCE", 0.1)
    with progress._lock(path):
        assert not progress.record("02", "exercises", "core", True)
    sentence = capsys.readouterr().err
    assert "Another program has held" in sentence and "may write" not in sentence
    assert progress.record("02", "exercises", "pick", True)
    assert progress.load() == {"02": {"exercises": {"core": True, "pick": True}}}


def test_unwritable_place(path, capsys):
    """Does the lesson go on, with one sentence, and keep the entries until they can be written?"""
    path.parent.write_text("a file where the folder should be")
    assert not progress.record("02", "exercises", "core", True)
    assert not progress.record("02", "exercises", "pick", True)
    sentence = capsys.readouterr().err
    assert "cannot be kept" in sentence and "COURSE_PROGRESS" in sentence
    assert sentence.count("\n") == 1
    assert progress.load() == {"02": {"exercises": {"core": True, "pick": True}}}
    path.parent.unlink()
    assert progress.record("02", "quiz", "1", {"right": True})
    assert json.loads(path.read_text()) == {
        "02": {"exercises": {"core": True, "pick": True}, "quiz": {"1": {"right": True}}}
    }


def test_place_without_locks(path, capsys, monkeypatch):
    """Does a file system that has no locks end in the sentence as well?"""

    def no_lock(*_):
        raise NotImplementedError("no locks here")

    monkeypatch.setattr(progress, "_lock", no_lock)
    assert not progress.record("02", "exercises", "core", True)
    assert "no locks here" in capsys.readouterr().err


def test_unreadable_file(path, capsys):
    """Does a progress file that cannot be read leave an empty progress and a sentence?"""
    path.mkdir(parents=True)
    assert progress.load() == {}
    assert not progress.record("02", "exercises", "core", True)
    sentences = capsys.readouterr().err.splitlines()
    assert "cannot be read" in sentences[0] and "cannot be kept" in sentences[1]


def test_grading(path, monkeypatch, capsys):
    """Is the teacher's own file neither read nor written while a student's notebook is graded?"""
    progress.record("02", "predictions", "best LR", {"guess": 0.3})
    content = path.read_bytes()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert progress.load() == {}
    assert not progress.record("02", "predictions", "best LR", {"guess": 0.1})
    assert progress.load() == {"02": {"predictions": {"best LR": {"guess": 0.1}}}}
    assert path.read_bytes() == content
    assert capsys.readouterr().err == ""


def test_table(path):
    """Does the table count what was done in each lesson, and show the others as open?"""
    progress.record("02", "predictions", "best LR", {"guess": 0.3})
    progress.record("02", "exercises", "core", True)
    progress.record("02", "quiz", "1", {"answer": "A", "right": True})
    progress.record("02", "quiz", "2", {"answer": "A", "right": False})
    lines = progress.progress_table({"00": "Start here", "02": "LR finder"}).splitlines()
    assert lines[0].split("  ")[0] == "no"
    assert lines[1].split() == ["00", "Start", "here", "-", "-", "-"]
    assert lines[2].split() == ["02", "LR", "finder", "1", "1", "1", "of", "2"]
    assert lines[0].index("quiz") == lines[1].rindex("-") == lines[2].index("1 of 2")
