"""A course of one small lesson, which the tests of the tools build, break and look at."""

import json
from pathlib import Path

from nbformat.v4 import new_output

from tools import check, execute

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="

LESSON = '''\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] lang="en" name="title"
# # 7.1 · Tiny things
#
# Twice `x` is $2x$; see [the exercises](exercises.en.ipynb).
# %% [markdown] lang="hi"
# # 7.1 · छोटी चीज़ें
#
# `x` का दुगुना $2x$ है; [अभ्यास](exercises.hi.ipynb#x) देखिए।

# %% tags=["start"]
# %% name="imports" tags=["export"]
import sys
import math
from math import pi

# %% name="double" tags=["export"]
# copy what the reader sees
def double(x: float) -> float:
    """Twice x."""
    return 2 * x + 0 * math.pi


# %% name="count" tags=["nbval-check-output"]
from common.lang import t

print(double(2))
print(t("{n} numbers", n=1))

# %% [markdown] lang="en" name="see"
# ## Look
#
# ![a point](point.png)
# %% [markdown] lang="hi"
# ## देखिए
#
# ![एक बिंदु](point.png)
# %%
from IPython.display import display

# %% name="figure"
PNG = "__PNG__"
alt = t("one black point")
display({"image/png": PNG, "text/plain": alt}, metadata={"image/png": {"alt": alt}}, raw=True)
# %% [markdown]
# $$ E = mc^2 $$
# %%
from IPython.display import display
'''.replace("__PNG__", PNG)

EXERCISES = '''\
# %% [markdown] lang="en" name="title"
# # Exercises
# %% [markdown] lang="hi"
# # अभ्यास
# %% tags=["start"]
# %% name="half" tags=["exercise"] points=2
def half(x):
    """Half of x."""
    ### BEGIN SOLUTION
    return x / 2
    ### END SOLUTION
# %% name="mend" tags=["exercise"]
def mend(x):
    ### BEGIN SOLUTION
    for i in range(2):
        x = x + i
    return x
    ### STUB
    # for i in range(1):
    #     x = x + i
    #
    # return x
    ### END SOLUTION
# %% name="mend-check" tags=["check"]
print("to do")
'''

LANG = """\
import json
import pathlib

import __main__


def t(text, **values):
    if __main__.LANG == "hi":
        path = pathlib.Path(__file__).parent / "strings" / "tiny.hi.json"
        text = json.loads(path.read_text("utf-8"))[text]
    return text.format(**values)
"""
STRINGS = {"one black point": "एक काला बिंदु", "{n} numbers": "{n} अंक"}
GLOSSARY = "banned:\n- {form: 'कम? संकल्प(ों)?|हानि कार्य', write: रिज़ॉल्यूशन}\n"
QUIZ = "before:\n- {en: Which?, hi: कौन-सा `x`?}\n"
README = "# Course\n\n<!-- lessons -->\n<!-- /lessons -->\n\nThe end.\n"


def start_cell(lang: str) -> str:
    return f'LANG = "{lang}"\nimport sys\n\nsys.path.insert(0, "../../..")'


def plant(root: Path) -> Path:
    """Writes the sources of the course; returns ``root``."""
    files = {
        "README.md": README,
        "lessons/07-tiny/1-tiny.py": LESSON,
        "lessons/07-tiny/exercises.py": EXERCISES,
        "lessons/07-tiny/notebooks/point.png": "",
        "common/__init__.py": "",
        "common/lang.py": LANG,
        "common/strings/tiny.hi.json": json.dumps(STRINGS, ensure_ascii=False, sort_keys=True),
        "common/glossary.yml": GLOSSARY,
        "quizzes/07-tiny.yml": QUIZ,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for path in sorted(root.glob("lessons/*/*.py")):
        check.accept(path)
    return root


def pretend(jobs: list[execute.Job], done) -> None:
    """Instead of `execute.run`: gives cells what they would print, without a kernel."""
    for job in jobs:
        alt = STRINGS["one black point"] if job.label.endswith("hi") else "one black point"
        shown = {"image/png": PNG, "text/plain": alt}
        outputs = {
            "count": [new_output("stream", text="4\n"), new_output("stream", text="1\n")],
            "figure": [new_output("display_data", shown, metadata={"image/png": {"alt": alt}})],
        }
        for cell in job.notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = outputs.get(cell.id, [])
                job.cells += 1
        job.cpu = job.wall = 1.5
        done(job)
