import pytest

pytest.importorskip("sphinx", reason="Sphinx is in the optional group `site`")

from docstring_names import NAME, end_code_before_letters


@pytest.mark.parametrize(
    "line, mended",
    [
        ("`DataLoader`s, or a list", "`DataLoader`\\ s, or a list"),
        ("`a` and `b`", "`a` and `b`"),
        ("two `a`s and `b`s.", "two `a`\\ s and `b`\\ s."),
        ("``x``y", "``x``y"),
        ("no code", "no code"),
    ],
)
def test_code_before_letters(line, mended):
    """Is code that ends before a letter, and only that, ended as reStructuredText wants it?"""
    lines = [line]
    end_code_before_letters(None, "function", "f", None, None, lines)
    assert lines == [mended]


@pytest.mark.parametrize("text", ["find_lr", "course_utils.lr_finder.find_lr", "OneCycle.step"])
def test_names(text):
    """Is what may be a name of Python looked up?"""
    assert NAME.fullmatch(text)


@pytest.mark.parametrize("text", ["1 - beta**t", ".item()", "~/x", "lr / 2", "f(x)", "-1"])
def test_no_names(text):
    """Is what is none shown as code?"""
    assert not NAME.fullmatch(text)
