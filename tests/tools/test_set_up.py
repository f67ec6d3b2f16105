import http.server
import os
import socket
import subprocess
import sys
import threading
import zipfile
from functools import partial

import pytest
import set_up


def make_wheel(folder, name):
    """Write the smallest wheel that pip installs, and its page in an index."""
    info = f"{name}-9.0.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    page = folder / name
    page.mkdir(parents=True)
    wheel = page / f"{name}-9.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    (page / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    return wheel


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Serve an index with PyTorch's two packages; return its folder, its address in CPU_INDEX."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    folder = tmp_path / "index"
    for name in set_up.TORCH:
        make_wheel(folder, name)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(set_up, "CPU_INDEX", f"http://127.0.0.1:{server.server_port}")
    yield folder
    server.shutdown()
    server.server_close()


@pytest.fixture
def install(tmp_path):
    """Return a command of pip that installs into a folder of its own."""
    return [sys.executable, "-m", "pip", "install", "-q", "--target", str(tmp_path / "site")]


def installed(tmp_path):
    return sorted(path.stem for path in (tmp_path / "site").glob("*.py"))


@pytest.mark.slow
def test_cpu_build(index, install, tmp_path, capfd):
    """Does a Linux machine without a GPU get the CPU build, told before what comes?"""
    set_up.install_torch(install, "", "linux", has_gpu=False)
    assert installed(tmp_path) == sorted(set_up.TORCH)
    assert capfd.readouterr().out.startswith("No NVIDIA GPU seen: fetching PyTorch's CPU build")


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["unreachable", "half broken"])
def test_index_fails(damage, index, install, tmp_path, monkeypatch, capfd):
    """Does one line say that pip's default follows, where the index is away or half broken?"""
    if damage == "unreachable":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            monkeypatch.setattr(set_up, "CPU_INDEX", f"http://127.0.0.1:{free.getsockname()[1]}")
    else:
        next(index.glob("torchvision/*.whl")).write_bytes(b"half of a wheel")
    set_up.install_torch(install, "", "linux", has_gpu=False)
    assert installed(tmp_path) == []
    assert "could not be used: taking pip's default build" in capfd.readouterr().out


@pytest.mark.slow
def test_no_second_source(index, install, tmp_path, monkeypatch):
    """Is nothing mixed into the CPU build from another source that the machine's pip is told of?"""
    next(index.glob("torchvision/*.whl")).unlink()
    (index / "torchvision" / "index.html").write_text("")
    make_wheel(tmp_path / "other", "torchvision")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "other" / "torchvision"))
    set_up.install_torch(install, "", "linux", has_gpu=False)
    assert installed(tmp_path) == []


@pytest.mark.slow
def test_index_of_ones_own(index, install, tmp_path):
    """Does TORCH_INDEX decide, with a GPU too, and is it an error where it fails?"""
    set_up.install_torch(install, set_up.CPU_INDEX, "linux", has_gpu=True)
    assert installed(tmp_path) == sorted(set_up.TORCH)
    with pytest.raises(subprocess.CalledProcessError):
        set_up.install_torch(install, "http://127.0.0.1:9/nothing", "linux", has_gpu=False)


@pytest.mark.parametrize(("platform", "has_gpu"), [("linux", True), ("darwin", False)])
def test_default_build(platform, has_gpu):
    """Is pip's own choice left alone with a GPU, and elsewhere than on Linux?"""
    set_up.install_torch(["no command that exists"], "", platform, has_gpu)


@pytest.mark.parametrize("has_uv", [True, False])
def test_uv_where_it_is(has_uv, tmp_path, monkeypatch):
    """Is uv used where it is on the machine, and pip where it is not?"""
    commands = []
    monkeypatch.setattr(set_up, "run", commands.append)
    monkeypatch.setattr(set_up.shutil, "which", lambda name: "/bin/uv" if has_uv else None)
    install = set_up.new_environment(tmp_path / "env")
    assert commands[0][1:3] == (["venv", "--quiet"] if has_uv else ["-m", "venv"])
    assert (install[:3] == ["/bin/uv", "pip", "install"]) == has_uv
