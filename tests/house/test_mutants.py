import re

from tiny_notebooks import REPOSITORY

TEXT = (REPOSITORY / "tools" / "mutants.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"^- ([\w.]+): `(.+)` → `(.*)`\n  (\w.+)$", flags=re.MULTILINE)


def test_each_has_a_reason():
    """Has each surviving mutant that is listed its reason in the line below?"""
    entries = ENTRY.findall(TEXT)
    assert len(entries) == len(re.findall("^- ", TEXT, flags=re.MULTILINE)) > 0
    assert all(old != new for _, old, new, _ in entries)


def test_each_is_of_the_code_as_it_is():
    """Is what a listed mutant changes still in its module?"""
    for module, old, *_ in ENTRY.findall(TEXT):
        lines = (REPOSITORY / "course_utils" / f"{module.replace('.', '/')}.py").read_text(
            encoding="utf-8"
        )
        assert old in " ".join(line.strip() for line in lines.splitlines()), (module, old)
