import pytest
from airbus_archive import write_archive


@pytest.fixture(scope="session")
def _archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("archive") / "airbus", 24, 192, with_ships=0.5)


@pytest.fixture
def airbus_archive(_archive):
    """A small generated archive; what a test adds to it goes again."""
    yield _archive
    (_archive / "test_v2").unlink(missing_ok=True)
