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
