"""Command that writes README.md's badges: Colab and Binder, at the address of pyproject.toml.

python tools/badges.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from editions.colab import (
    is_placeholder,
    owner_and_name,
    read_project,
    repository_address,
)

from course_utils._files import atomic_write

ROOT = Path(__file__).resolve().parents[1]
FIRST_LESSON = "00_start_here.ipynb"
# The branch that holds what `make colab` builds; Colab opens a notebook of a branch, by its path.
COLAB_BRANCH = "colab"
PLACE = re.compile(
    r"(?<=<!-- badges: written by make badges -->\n).*?(?=<!-- end of badges -->)", re.S
)
UNPUBLISHED = (
    "The course has no public address yet, so that these two lead to the placeholder OWNER/REPO:\n"
    "whoever publishes it sets it in one place (`CONTRIBUTING.md`, Publishing).\n"
)


def launch_addresses(address: str, notebook: str) -> dict[str, str]:
    """Return where a lesson opens, ready to run: name of the service -> address.

    Args:
        address: of the repository on GitHub.
        notebook: the lesson's file.
    """
    name = owner_and_name(address)
    return {
        "Colab": f"https://colab.research.google.com/github/{name}/blob/{COLAB_BRANCH}/{notebook}",
        "Binder": f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/notebooks/{notebook}",
    }


def badges(address: str) -> str:
    """Return the badges' Markdown, and a sentence while the address is a placeholder.

    Args:
        address: of the repository on GitHub.
    """
    colab, binder = launch_addresses(address, FIRST_LESSON).values()
    colab_image = "https://colab.research.google.com/assets/colab-badge.svg"
    binder_image = "https://mybinder.org/badge_logo.svg"
    lines = [
        f"[![Open in Colab]({colab_image})]({colab})\n",
        f"[![Launch on Binder]({binder_image})]({binder})\n",
    ]
    if is_placeholder(address):
        lines += ["\n", UNPUBLISHED]
    return "".join(lines)


def with_badges(readme: str, address: str) -> str:
    """Return a README whose badges lead to the address.

    Raises:
        ValueError: the text has no place for badges.
    """
    changed, count = PLACE.subn(lambda _: badges(address), readme)
    if count != 1:
        raise ValueError(
            f"README.md has {count} places for badges, but needs one: the two comments that begin "
            "and end it stand in tools/badges.py."
        )
    return changed


def main() -> int:
    """Write the badges into README.md."""
    readme = ROOT / "README.md"
    address = repository_address(read_project(ROOT / "pyproject.toml"))
    text = with_badges(readme.read_text(encoding="utf-8"), address)
    with atomic_write(readme) as file:
        file.write(text.encode())
    print(f"README.md's badges lead to {address}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
