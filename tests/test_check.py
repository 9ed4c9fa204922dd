"""The check, on a small planted course: clean it passes, and each fault planted in it is named."""

import json
import re
import shutil
import unicodedata
from pathlib import Path

import nbformat
import pytest
import tiny_course
from nbformat.v4 import new_output

from tools import build, check, execute, start_cell

LESSON = "lessons/07-tiny/1-tiny.py"
EXERCISES = "lessons/07-tiny/exercises.py"
HINDI = "lessons/07-tiny/notebooks/1-tiny.hi.ipynb"
ENGLISH = "lessons/07-tiny/notebooks/1-tiny.en.ipynb"
STRINGS = "common/strings/tiny.hi.json"
QUIZ = "quizzes/07-tiny.yml"


@pytest.fixture(autouse=True, scope="module")
def no_kernels():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start_cell, "start_cell", tiny_course.start_cell)
        patch.setattr(start_cell, "badge", lambda path, lang: "")
        patch.setattr(execute, "run", tiny_course.pretend)
        yield


@pytest.fixture(scope="module")
def clean(no_kernels, tmp_path_factory):
    root = tiny_course.plant(tmp_path_factory.mktemp("clean"))
    assert build.build(root=root) == []
    return root


@pytest.fixture
def root(clean, tmp_path):
    return Path(shutil.copytree(clean, tmp_path / "course"))


def edit(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text("utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


def only(lines: list[str], file: str, *words: str) -> None:
    """One line has all the words; it names the file, a cell, what is wrong and the cure."""
    found = [line for line in lines if line.startswith(f"{file}: ")]
    found = [line for line in found if all(word in line for word in words)]
    assert len(found) == 1, lines
    assert found[0].count(": ") >= 3


def test_a_clean_course_passes(root, capsys):
    assert check.check(root) == []
    assert check.main([], root) == 0
    assert capsys.readouterr().out == "check: nothing to mend\n"


# --- sources: twins, words ------------------------------------------------------------------------

ENGLISH_TITLE = "Twice `x` is $2x$; see [the exercises](exercises.en.ipynb)."
HINDI_TITLE = "`x` का दुगुना $2x$ है; [अभ्यास](exercises.hi.ipynb#x) देखिए।"

SOURCE_FAULTS = {
    "missing twin": ('## देखिए\n#\n# ![एक बिंदु](point.png)\n# %%', "", "see: no Hindi twin"),
    "stale twin": ("# ## Look", "# ## Look here", "see: the Hindi may be stale"),
    "Hindi alone": ('lang="en" name="see"', 'name="see"', "Hindi without its English"),
    "no language": ('lang="en" name="see"', 'name="see"', "see: text without a language"),
    "other language": ('lang="en" name="see"', 'lang="mr" name="see"', "see: lang='mr'"),
    "copied English": ("# # 7.1 · छोटी चीज़ें\n#\n# " + HINDI_TITLE, "# # A\n#\n# " + ENGLISH_TITLE,
                       "title: the Hindi twin is not Hindi"),
    "inline code": ("# `x` का", "# `y` का", "twins' inline code differ: English ['x'], Hindi"),
    "formula": ("दुगुना $2x$", "दुगुना $3x$", "twins' formulas differ"),
    "link": ("(exercises.hi.ipynb#x)", "(1-tiny.hi.ipynb)", "twins' links differ"),
    "image": ("एक बिंदु](point.png)", "एक बिंदु](07.png)", "twins' images differ"),
    "heading level": ("# ## देखिए", "# ### देखिए", "twins' heading levels differ"),
    "code block": ("# ## देखिए\n", "# ## देखिए\n#\n# ```\n# x\n# ```\n", "code blocks differ"),
    "HTML": ("# ## देखिए\n", "# ## देखिए\n#\n# <details></details>\n", "HTML tags differ"),
    "heading jump": ("# ## ", "# ### ", "see (hi): a heading of level 3 after one of level 1"),
    "banned form": ("# ## देखिए", "# ## कम\n# संकल्पों", "see: the banned form कम संकल्पों"),
    "Hindi digits": ("# ## देखिए", "# ## देखिए १२", "see: the digits १२"),
    "Devanagari code": ("# ## देखिए", "# ## `देखिए`", "Devanagari inside backticks: देखिए"),
    "not NFC": ("# ## Look", "# ## Cafe\u0301", "see: not in Unicode's form NFC"),
    "image without alt": ("![एक बिंदु]", "![]", "see: an image without alt text"),
    "HTML image without alt": ("# ## देखिए", "# ## देखिए <img src='a.png' alt=''>",
                               "see: an image without alt text"),
    "text by a variable": ('t("{n} numbers", n=1)', "t(PNG)", "t() of what is not a literal"),
    "text without Hindi": ('"{n} numbers"', '"{n} figures"', "no Hindi for '{n} figures'"),
    "wrong values": ("n=1", "m=1", "values ['m']"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCE_FAULTS)
def test_faults_of_a_source_are_found(root, name):
    old, new, says = SOURCE_FAULTS[name]
    if name == "missing twin":
        old, new = '# %% [markdown] lang="hi" of="{}"\n# ' + old, "# %%"
        old = old.format(check.text_hash("## Look\n\n![a point](point.png)"))
    edit(root / LESSON, (old, new))
    only(check.check(root), LESSON, says)


@pytest.mark.parametrize(
    "pair",
    [
        ("# ## देखिए", "# ## संकल्पना देखिए"),  # a banned form inside another word
        ("# ## देखिए", "# ## चित्र में $\\text{दो}$ `x` है"),
        ("`x` का दुगुना $2x$ है; [अभ्यास]", "$2x$ `x` का दुगुना है; [अभ्यास]"),
    ],
)
def test_good_hindi_is_left_alone(root, pair):
    edit(root / LESSON, pair)
    if "text{" in pair[1]:
        edit(root / LESSON, ("# ## Look", "# ## Look $\\text{two}$ `x`"))
        check.accept(root / LESSON)
    assert [line for line in check.check(root) if line.startswith(LESSON)] == []


# --- notebooks ------------------------------------------------------------------------------------


def stored(root: Path, change) -> list[str]:
    """What the check says after ``change`` was made to the stored Hindi notebook."""
    notebook = nbformat.read(root / HINDI, as_version=4)
    change(notebook, {cell.id: cell for cell in notebook.cells})
    (root / HINDI).write_text(nbformat.writes(notebook), "utf-8")
    return check.check(root)


def show(**output):
    """A change that gives the cell `double` an output: data (MIME → text), or a stream."""

    def change(notebook, cells):
        if "data" in output:
            cells["double"].outputs = [new_output("display_data", output["data"])]
        else:
            cells["double"].outputs = [new_output("stream", **output)]

    return change


def set_in(cell: str, **values):
    return lambda notebook, cells: cells[cell].update(values)


ERROR = new_output("error", ename="ValueError", evalue="no", traceback=[])
NOTEBOOK_FAULTS = {
    "code not rebuilt": (set_in("count", source="x"), "count: not rebuilt: the source"),
    "words not rebuilt": (set_in("see", source="## y"), "see: not rebuilt: the source"),
    "tags not rebuilt": (set_in("count", metadata={}), "count: not rebuilt: the metadata"),
    "random id": (set_in("count", id="5ca1ab1e"), "5ca1ab1e: not rebuilt: the id"),
    "cell lost": (lambda n, c: n.cells.pop(), "-: not rebuilt: 9 cells, the source makes 10"),
    "other outputs": (lambda n, c: n.metadata.course.update(code="0"), "not those of its code"),
    "other language": (lambda n, c: n.metadata.course.update(lang="en"), "its course.lang"),
    "other kernel": (
        lambda n, c: n.metadata.kernelspec.update(name="julia"), "its kernelspec is another"),
    "never run": (set_in("double", execution_count=None), "double: was never run"),
    "nothing to compare": (set_in("count", outputs=[]), "count: compared, but no output"),
    "widget state": (lambda n, c: n.metadata.update(widgets={}), "widget state is stored"),
    "widget": (show(data={build.WIDGET: {"model_id": "1"}}), "double: a stored widget"),
    "stored error": (set_in("double", outputs=[ERROR]), "double: a stored error: ValueError"),
    "warning": (show(name="stderr", text="old"), "double: writes to stderr"),
    "address": (show(data={"text/plain": "<Axes at 0x7f00aa11>"}), "double: an object's address"),
    "figure without alt": (
        show(data={"image/png": tiny_course.PNG}), "double: a figure without alt text"),
    "photograph without alt": (
        show(data={"image/jpeg": tiny_course.PNG}), "double: a figure without alt text"),
    "English alt": (
        show(data={"text/html": '<img alt="a dot" src="data:image/png;base64,AAAA">'}),
        "double: alt text that is not Hindi: a dot"),
    "HTML without alt": (show(data={"text/html": "<img src=x>"}), "double: a picture without alt"),
    "SVG without alt": (show(data={"image/svg+xml": "<svg/>"}), "double: a picture without alt"),
    "too large": (show(name="stdout", text="x" * 700_000), "-: 70"),
} | {
    f"path {path}": (show(name="stdout", text=f"saved in {path}"), "double: a local path")
    for path in (
        "/home/a/b", "/tmp/x", "/work/x", "/content/x", "/root/.cache/x", "C:\\Users\\a", "file:///tmp/x")
}  # fmt: skip


@pytest.mark.parametrize("name", NOTEBOOK_FAULTS)
def test_faults_of_a_notebook_are_found(root, name):
    change, says = NOTEBOOK_FAULTS[name]
    only(stored(root, change), HINDI, says)


@pytest.mark.parametrize(
    "text", ["https://example.org/home/x", "a/tmp/b", "1/home/2", "ratio 3 at 0x1f"]
)
def test_other_outputs_are_left_alone(root, text):
    assert stored(root, show(name="stdout", text=text)) == []


def test_an_error_that_is_meant_is_left_alone(root):
    edit(
        root / LESSON, ('name="double" tags=["export"]', 'name="double" tags=["raises-exception"]')
    )
    assert build.build(root=root) == []
    assert stored(root, set_in("double", outputs=[ERROR])) == []


def raw(root: Path, change) -> list[str]:
    """As `stored`, but past nbformat, which would mend ids."""
    notebook = json.loads((root / HINDI).read_text("utf-8"))
    change(notebook)
    (root / HINDI).write_text(json.dumps(notebook, ensure_ascii=False), "utf-8")
    return check.check(root)


@pytest.mark.filterwarnings("ignore:Non-unique cell id", "ignore:Cell is missing an id")
def test_missing_and_doubled_ids_are_found(root):
    only(
        raw(root, lambda n: n["cells"][1].update(id="double")),
        HINDI,
        "double: 2 cells have this id",
    )
    only(raw(root, lambda n: n["cells"][1].pop("id")), HINDI, "-: 1 cells without an id")


def test_a_broken_or_missing_notebook_is_found(root):
    (root / HINDI).write_text("{", "utf-8")
    (root / ENGLISH).unlink()
    lines = check.check(root)
    only(lines, HINDI, "not a notebook")
    only(lines, ENGLISH, "not built")


def test_all_notebooks_together_have_a_limit(root, monkeypatch):
    monkeypatch.setattr(check, "ALL_BYTES", 10_000)
    only(check.check(root), "lessons", "the notebooks are 0.0 MB, over")


def test_links_inside_the_course_lead_somewhere(root):
    (root / "lessons/07-tiny/notebooks/point.png").unlink()
    lines = check.check(root)
    only(lines, HINDI, "see: a link to nothing: point.png")
    only(lines, ENGLISH, "see: a link to nothing: point.png")


# --- what else is built ---------------------------------------------------------------------------


def test_built_files_must_be_up_to_date(root):
    (root / "lessons/07-tiny/picture.png").unlink()
    for name in ("common/tiny.py", "lessons/07-tiny/README.md", "README.md"):
        edit(root / name, ("tiny", "Tiny"))
    edit(root / "README.md", ("The end.", "These words are the writer's."))
    lines = check.check(root)
    for name in ("common/tiny.py", "lessons/07-tiny/README.md", "README.md"):
        only(lines, name, "not up to date")
    only(lines, "lessons/07-tiny/picture.png", "not up to date")
    assert len(lines) == 4
    assert build.build(root=root) == []
    assert check.check(root) == []
    assert "writer's" in (root / "README.md").read_text("utf-8")
    edit(root / LESSON, ("2 * x", "x * 2"))
    only(check.check(root), "common/tiny.py", "not up to date")


def test_a_front_page_without_a_table_is_found(root):
    (root / "README.md").write_text("# Course\n")
    only(check.check(root), "README.md", "no place for the table")


def test_what_no_source_makes_is_found(root):
    (root / EXERCISES).unlink()
    edit(root / LESSON, (' tags=["export"]', ""))
    lines = check.check(root)
    only(lines, "lessons/07-tiny/notebooks/exercises.hi.ipynb", "no source makes it")
    only(lines, "common/tiny.py", "no source exports it")


def test_a_source_that_cannot_be_built_is_one_line(root):
    edit(root / LESSON, ("2 * x", "2 * device"))
    only(check.check(root), "common/tiny.py", "Undefined name `device`")


# --- texts in code, quizzes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strings", "says"),
    [
        ({"{n} numbers": "{m} अंक"}, "'{n} numbers': its placeholders differ"),
        ({"never said": "कभी नहीं"}, "'never said': no code uses it"),
        ({"one black point": "कम संकल्प"}, "'one black point': the banned form"),
        ({"one black point": "५ बिंदु"}, "'one black point': the digits"),
        ({"one black point": unicodedata.normalize("NFD", "एक é")}, "not in Unicode's form NFC"),
        ({"one black point": "`बिंदु`"}, "'one black point': Devanagari inside backticks"),
    ],
)
def test_faults_of_the_hindi_texts_are_found(root, strings, says):
    texts = {**tiny_course.STRINGS, **strings}
    (root / STRINGS).write_text(json.dumps(dict(sorted(texts.items()))), "utf-8")
    only(check.check(root), STRINGS, says)


def test_hindi_texts_are_sorted_and_stand_once(root):
    (root / STRINGS).write_text(json.dumps(dict(sorted(tiny_course.STRINGS.items(), reverse=True))))
    only(check.check(root), STRINGS, "not sorted")
    shutil.copy(root / STRINGS, root / "common/strings/zz.hi.json")
    only(check.check(root), "common/strings/zz.hi.json", "'one black point': also in tiny.hi.json")


@pytest.mark.parametrize(
    ("text", "says"),
    [("हानि कार्य", "the banned form हानि कार्य"), ("१", "the digits"), ("`क`", "inside backticks")],
)
def test_faults_of_a_quiz_are_found(root, text, says):
    edit(root / QUIZ, ("कौन-सा", text))
    only(check.check(root), QUIZ, "line 2", says)


# --- accepting ------------------------------------------------------------------------------------


def test_accept_writes_the_hash_and_nothing_else(root, capsys):
    edit(root / LESSON, ("# ## Look", "# ## Look here"), ("# copy what", "#  copy  what"))
    path = root / LESSON
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = path.read_bytes().decode()
    assert check.main(["--accept", str(path)], root) == 0
    assert "1 Hindi cells accepted" in capsys.readouterr().out
    after = path.read_bytes().decode()
    was, now = (re.findall(r'of="(\w+)"', text) for text in (before, after))
    assert was[0] == now[0] and was[1] != now[1]
    assert before.replace(was[1], now[1]) == after
    assert not any("stale" in line for line in check.check(root))


def test_accept_of_no_file_says_so(root, capsys):
    assert check.main(["--accept", str(root / "no.py")], root) == 1
    assert "no.py" in capsys.readouterr().err
