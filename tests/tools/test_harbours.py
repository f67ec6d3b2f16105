import functools
import http.server
import json
import shlex
import threading

import numpy as np
import pytest
from harbours import fetch as tool
from harbours.gap import numbers_of, told_right
from PIL import Image

from course_utils.detection import AirbusFolder, SimulatedScenes
from course_utils.lessons.data_09 import is_airbus_folder


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, notes which, and refuses those that a test names."""

    asked, refused = [], set()

    def do_GET(self):
        self.asked.append(self.path)
        if self.path in self.refused:
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Two ports on a server of this machine, as (address, manifest)."""
    shelf, manifest = tmp_path / "shelf", []
    shelf.mkdir()
    rng = np.random.default_rng(0)
    for port, (height, width) in {"north": (300, 260), "south sea": (140, 390)}.items():
        pixels = rng.integers(1, 255, (height, width, 3), dtype=np.uint8)
        pixels[:128, :128] = 0  # without data
        Image.fromarray(pixels).save(shelf / f"{port}.tiff")
        mask = np.zeros((height, width), bool)
        mask[20:30, 120:140] = True  # cut by the border of two tiles
        mask[127, 200] = True
        flat = mask.ravel(order="F")
        edges = np.flatnonzero(np.diff(np.r_[False, flat, False]))
        counts = np.diff(np.r_[0, edges, len(flat)]).tolist()
        ship = {"segmentation": {"counts": counts, "size": [height, width]}}
        (shelf / f"{port}.json").write_text(json.dumps({"annotations": [ship, ship]}))
        for kind, end in (("image", "tiff"), ("annotations", "json")):
            path = f"{port}.{end}"
            sha1 = tool.git_sha1((shelf / path).read_bytes())
            manifest.append({"port": port, "kind": kind, "path": path, "git_blob_sha1": sha1})
    monkeypatch.setenv("no_proxy", "*")
    Handler.asked, Handler.refused = [], set()
    handler = functools.partial(Handler, directory=shelf)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", manifest
        running.shutdown()


def fetch(server, folder):
    return tool.fetch(folder, address=server[0], manifest=server[1])


def test_whole(server, tmp_path):
    """Do whole tiles with their ships come out, without black ones, and is nothing left beside?"""
    place = fetch(server, tmp_path / "data")
    images = AirbusFolder(place)
    assert sorted(images.names) == [
        "north_0000_0128.jpg",
        "north_0128_0000.jpg",
        "north_0128_0128.jpg",
        "south sea_0000_0128.jpg",
        "south sea_0000_0256.jpg",
    ]
    scene = images[images.names.index("north_0000_0128.jpg")]
    assert scene.boxes.tolist() == [[0, 20, 73, 128]]  # one ship: the other has the same pixels
    assert images.check() == () and (place / "LICENSE").is_file()
    assert tool.COMMIT in (place / "README.md").read_text()
    assert sorted(p.name for p in (tmp_path / "data").iterdir() if p.is_dir()) == ["sen2ships"]


def test_nothing_to_do(server, tmp_path):
    """Does a second call leave the network and the folder alone?"""
    place = fetch(server, tmp_path)
    asked = len(Handler.asked)
    assert fetch(server, tmp_path) == place and len(Handler.asked) == asked == 4


def test_resumed(server, tmp_path):
    """Does a call that broke off go on with what is missing, and was no folder there before?"""
    Handler.refused = {"/south%20sea.json"}
    with pytest.raises(tool.FetchError, match=r"503.*call `make ships` again"):
        fetch(server, tmp_path)
    assert not (tmp_path / "sen2ships").exists()
    Handler.refused, Handler.asked[:] = set(), []
    assert len(AirbusFolder(fetch(server, tmp_path))) == 5
    assert Handler.asked == ["/south%20sea.json"]


def test_damaged_here(server, tmp_path):
    """Is a file that is not whole fetched anew?"""
    Handler.refused = {"/south%20sea.json"}
    with pytest.raises(tool.FetchError):
        fetch(server, tmp_path)
    path = tmp_path / "sen2ships.part" / "raw" / "north.tiff"
    path.write_bytes(path.read_bytes()[:-100])
    Handler.refused, Handler.asked[:] = set(), []
    assert len(AirbusFolder(fetch(server, tmp_path))) == 5
    assert sorted(Handler.asked) == ["/north.tiff", "/south%20sea.json"]


def test_damaged_there(server, tmp_path):
    """Is another content than the manifest's refused in a sentence that names the file?"""
    server[1][0]["git_blob_sha1"] = "0" * 40
    with pytest.raises(tool.FetchError, match=r"north\.tiff is not what it was"):
        fetch(server, tmp_path)


def test_offline(server, tmp_path, capsys, monkeypatch):
    """Does the command end with one sentence that says what to do without a network?"""
    monkeypatch.setattr(tool, "fetch", functools.partial(tool.fetch, address="http://127.0.0.1:9"))
    assert tool.main(["--folder", str(tmp_path)]) == 1
    words = capsys.readouterr().err.strip()
    assert "cannot be fetched" in words and "needs no network" in words and "\n" not in words


def test_where_it_lies(server, tmp_path, capsys, monkeypatch):
    """Does the command say what to set, so that lesson 09 finds the tiles and not scenes?"""
    here = functools.partial(tool.fetch, address=server[0], manifest=server[1])
    monkeypatch.setattr(tool, "fetch", here)
    assert tool.main(["--folder", str(tmp_path / "my data")]) == 0
    said = capsys.readouterr().out
    setting = shlex.split(said.partition("COURSE_DATA=")[2])[0]
    assert "holds 5 tiles" in said and is_airbus_folder(setting)


def test_manifest():
    """Does the manifest name an image and the annotations of each of twenty ports?"""
    rows = tool.read_manifest()
    assert len(rows) == 40 and {row["kind"] for row in rows} == {"image", "annotations"}
    assert len({row["port"] for row in rows}) == 20
    assert all(len(row["git_blob_sha1"]) == 40 for row in rows)


def test_gap():
    """Is brightness told apart where it differs, on unseen families, and not where it does not?"""
    scenes, others = (
        numbers_of(SimulatedScenes(120, ships=False, seed=seed, size=64)) for seed in (0, 1)
    )
    assert len(scenes) == 6 and scenes[0].shape[1] == 4
    assert 0.35 < told_right([scenes, others], 0) < 0.65
    assert told_right([scenes, [numbers + 300 for numbers in others]], 0) > 0.9
