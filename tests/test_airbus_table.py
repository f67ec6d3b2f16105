import pytest

from course_utils.airbus_table import read_rows

HEADER = b"ImageId,EncodedPixels\n"


@pytest.fixture
def table(tmp_path):
    def write(content):
        (tmp_path / "ships.csv").write_bytes(content)
        return tmp_path / "ships.csv"

    return write


def test_rows(table):
    """Are rows numbered as the file's lines are, blank ones counted but left out?"""
    path = table(HEADER + b"a.jpg,1 2\n\nb.jpg,\nc.jpg\n")
    assert list(read_rows(path)) == [(2, ["a.jpg", "1 2"]), (4, ["b.jpg", ""]), (5, ["c.jpg"])]


def test_spreadsheet(table):
    """Are a byte order mark, quotes and Windows' line ends understood?"""
    path = table(b"\xef\xbb\xbf" + HEADER.replace(b"\n", b"\r\n") + b'"a.jpg","1 2"\r\n')
    assert list(read_rows(path)) == [(2, ["a.jpg", "1 2"])]


def test_only_a_header(table):
    """Has a table of a header alone no rows?"""
    assert list(read_rows(table(HEADER))) == []


@pytest.mark.parametrize("first", [b"", b"a.jpg,1 2\n", b"ImageId;EncodedPixels\n"])
def test_other_header(table, first):
    """Is a table of another layout refused with its first line?"""
    words = rf"begins with '{first.decode().strip()}', but must begin with the header 'ImageId,"
    with pytest.raises(ValueError, match=words):
        list(read_rows(table(first)))


def test_unreadable_row(table):
    """Does a row that csv gives up on raise a sentence with its number, after those before it?"""
    rows = read_rows(table(HEADER + b"a.jpg,\nb.jpg," + b"1 1 " * 50_000))
    assert next(rows) == (2, ["a.jpg", ""])
    with pytest.raises(ValueError, match=r"cannot be read on from row [23] \(field larger"):
        next(rows)
