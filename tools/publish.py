"""Writes where the course is published into pyproject.toml, start cells and badges.

    python -m tools.publish --repository URL [--tag TAG]

The tag is the version: v0.2.0 makes the course 0.2.0. Run it once in a fork, then at each release.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tools import build
from tools.lessons import ROOT, write
from tools.start_cell import settings


def replace(path: Path, pattern: str, value: str) -> None:
    """Put `value` for the one string that follows `pattern` at the start of a line in the file."""
    text, count = re.subn(
        rf'^({pattern} = )"[^"]*"', rf'\1"{value}"', path.read_text("utf-8"), flags=re.MULTILINE
    )
    if count != 1:
        raise ValueError(f'{path}: {count} lines of the form {pattern} = "…", not one')
    write(path, text)


def address(text: str) -> str:
    """A repository's address that can be cloned without an account."""
    url = text.rstrip("/").removesuffix(".git")
    if not re.fullmatch(r"(https|file)://[^\s\"\\]+", url):
        raise argparse.ArgumentTypeError(f"not like https://github.com/NAME/COURSE: {text}")
    return url


def release(text: str) -> str:
    """A tag that names a version."""
    if not re.fullmatch(r"v\d+(\.\d+)+((a|b|rc|\.post)\d+)?", text):
        raise argparse.ArgumentTypeError(f"not like v0.1.0: {text}")
    return text


def publish(repository: str, tag: str, root: Path = ROOT) -> None:
    """Write both, and the version that the tag names, into the files that hold them."""
    version = tag.removeprefix("v")
    replace(root / "pyproject.toml", "repository", repository)
    replace(root / "pyproject.toml", "tag", tag)
    replace(root / "pyproject.toml", "version", version)
    replace(root / "common" / "__init__.py", "__version__", version)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py publish", description=__doc__.split("\n")[0])
    parser.add_argument("--repository", type=address, required=True, metavar="URL")
    parser.add_argument("--tag", type=release, default=settings()["tag"], metavar="TAG")
    options = parser.parse_args(argv)
    publish(options.repository, options.tag)
    code = build.main([])
    if code == 0:
        print(f"अब / Now: git commit -am {options.tag} && git tag {options.tag}")
        print(f"          git push origin HEAD {options.tag}")
    return code


if __name__ == "__main__":
    sys.exit(main())
