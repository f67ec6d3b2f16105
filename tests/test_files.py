import os

import pytest

from course_utils.files import atomic_write


def test_new_content_replaces_the_old(tmp_path):
    """Does a finished block leave the new content and no temporary file?"""
    path = tmp_path / "folder" / "file.txt"
    for content in (b"old", b"new"):
        with atomic_write(path) as file:
            file.write(content)
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["file.txt"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_error_keeps_the_old(tmp_path, error):
    """Does an error in the middle of writing keep the old content and remove the new half?"""
    path = tmp_path / "file.txt"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_write(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_words_of_an_error(tmp_path):
    """Does a folder that cannot be made raise one sentence with the path and the reason?"""
    (tmp_path / "file").touch()
    words = r"inside cannot be written \(File exists\) and is as it was: free some space"
    with (
        pytest.raises(OSError, match=words) as caught,
        atomic_write(tmp_path / "file" / "inside") as file,
    ):
        file.write(b"new")
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="has other rights")
def test_rights(tmp_path):
    """Has a new file the rights that any has here, for others to read, and an old one its own?"""
    usual, written = tmp_path / "usual", tmp_path / "written"
    usual.touch()
    with atomic_write(written) as file:
        file.write(b"x")
    assert written.stat().st_mode == usual.stat().st_mode
    written.chmod(0o600)
    with atomic_write(written) as file:
        file.write(b"y")
    assert written.stat().st_mode & 0o777 == 0o600 and written.read_bytes() == b"y"
