"""The first code cell of every notebook, and the badge above it.

The cell finds the course, or fetches it where only the notebook was opened (as in Colab). Where it
fetches from stands once, in pyproject.toml; `course.py publish` writes it there.
"""

import json
import tomllib

from tools.lessons import LANGUAGES, ROOT

# Learners read this cell: it stays short, and uses nothing but Python's standard library
TEMPLATE = """\
LANG = <lang>  # "hi" या/or "en"

# कोर्स का फ़ोल्डर: जिसमें यह नोटबुक है, या (Colab में) इसके पास लाई गई उसकी प्रति
# The course's folder: the one that this notebook is in, or (in Colab) a copy fetched beside it
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY, TAG = <repository>, <tag>
here = Path.cwd()
root = next((p for p in (here, *here.parents) if (p / "common" / "start.py").is_file()), None)
if root is None:
    root, part = here / f"srijan-{TAG}", here / f".srijan-{TAG}.part"
if not root.exists():
    if not REPOSITORY:
        raise RuntimeError(
            "यह नोटबुक कोर्स के फ़ोल्डर में खोलें: python3 course.py lab\\n"
            "Open this notebook inside the course's folder: python3 course.py lab"
        )
    shutil.rmtree(part, ignore_errors=True)  # left by an interrupted attempt
    clone = ["git", "clone", "--quiet", "--depth=1", f"--branch={TAG}", REPOSITORY, str(part)]
    try:
        subprocess.run(clone, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(
            "कोर्स नहीं आ सका: git और नेटवर्क जाँचें, फिर यह सेल दोबारा चलाएँ।\\n"
            "The course could not be fetched: check git and the network, then run this cell again."
        ) from error
    part.rename(root)  # only a whole copy gets this name
sys.path.insert(0, str(root))

import common

if common.__version__ != TAG.removeprefix("v"):
    raise RuntimeError(
        f"नोटबुक {TAG} की है और कोर्स v{common.__version__} का: दोनों एक ही संस्करण के लें।\\n"
        f"The notebook is of {TAG}, the course of v{common.__version__}: take both from one."
    )
device = common.start(LANG)"""

BADGE = {"hi": "Colab में खोलें", "en": "Open in Colab"}


def settings() -> dict[str, str]:
    """`repository` ("" until it is published) and `tag`, from pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["srijan"]


def start_cell(lang: str, repository: str | None = None, tag: str | None = None) -> str:
    """The cell's source in the language `lang`; repository and tag are pyproject.toml's, unless
    given. ValueError for an unknown language."""
    if lang not in LANGUAGES:
        raise ValueError(f"no language {lang!r}: choose from {', '.join(LANGUAGES)}")
    values = {"repository": repository, "tag": tag}
    values = {"lang": lang, **settings(), **{k: v for k, v in values.items() if v is not None}}
    text = TEMPLATE
    for name in ("lang", "repository", "tag"):
        text = text.replace(f"<{name}>", json.dumps(values[name]))  # in double quotes
    return text


def badge(path: str, lang: str) -> str:
    """Markdown that opens the notebook at `path` (in the repository) in Colab; "" while there is no
    repository on GitHub, from which alone Colab opens notebooks."""
    published = settings()
    host, _, name = published["repository"].partition("github.com/")
    if host != "https://" or not name:
        return ""
    colab = "https://colab.research.google.com"
    target = f"{colab}/github/{name}/blob/{published['tag']}/{path}"
    return f"[![{BADGE[lang]}]({colab}/assets/colab-badge.svg)]({target})"
