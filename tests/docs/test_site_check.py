import pytest
from site_check import faults, main

PAGE = """<!DOCTYPE html><html><head>
<link rel="stylesheet" href="style.css"><link rel="canonical" href="https://a.org/">
<script src="search.js?v=1"></script></head>
<body><h1 id="top">A</h1><img src="data:image/png;base64,AAAA">
<a href="b.html#part">b</a><a href="#top">up</a><a href="https://a.org/b?c=d#e">a</a></body></html>
"""
# What is put into the page, and the words about it.
BAD = {
    "script of another host": ('<script src="https://cdn.a.org/x.js"></script>', "another host"),
    "host without a scheme": ('<img src="//a.org/x.png">', "another host"),
    "font of another host": ('<link rel="stylesheet" href="//a.org/font">', "another host"),
    "missing image": ('<img src="x.png">', "fetches x.png, which is not there"),
    "dead link": ('<a href="c.html">c</a>', "links to c.html, which is not there"),
    "dead anchor": ('<a href="b.html#parts">b</a>', "no such anchor"),
    "dead anchor of its own": ('<a href="#bottom">b</a>', "no such anchor"),
    "half an address": ('<a href="https://example">x</a>', "which is no address"),
    "full stop in an address": ('<a href="https://a.org/b.">x</a>', "which is no address"),
    "mistyped scheme": ('<a href="htps://a.org/b">x</a>', "which is no address"),
}


@pytest.fixture
def site(tmp_path):
    (tmp_path / "a.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "b.html").write_text('<p id="part">B</p>', encoding="utf-8")
    (tmp_path / "style.css").write_text("p { src: url(data:font/woff2;base64,AA) }", "utf-8")
    (tmp_path / "search.js").touch()
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "template.html").write_text('<img src="{{ x }}">', encoding="utf-8")
    return tmp_path


def test_good_site(site, capsys):
    """Does a site without a fault get none, whatever it links to elsewhere?"""
    assert list(faults(site)) == []
    assert main([str(site)]) == 0
    assert "2 pages, 3 links: no fault." in capsys.readouterr().out


@pytest.mark.parametrize("name", BAD)
def test_bad_page(site, name):
    """Is each fault found once, with the page that has it?"""
    element, words = BAD[name]
    (site / "bad.html").write_text(PAGE.replace("</body>", f"{element}</body>"), encoding="utf-8")
    (sentence,) = faults(site)
    assert sentence.startswith("bad.html ") and words in sentence


@pytest.mark.parametrize("rule", ["@import 'https://a.org/x.css';", "p { src: url(x.woff2) }"])
def test_bad_style(site, rule):
    """Is a style sheet seen that fetches from elsewhere, or what is not there?"""
    (site / "style.css").write_text(rule, encoding="utf-8")
    (sentence,) = faults(site)
    assert sentence.startswith("style.css fetches ")


def test_empty_folder(tmp_path):
    """Is a folder without a page no good site?"""
    assert main([str(tmp_path)]) == 1
