#!/usr/bin/env python3
"""Sets the course up and runs it: `python3 course.py help` lists what it can do.

Only Python's standard library is used, because nothing else is there yet. The packages go into
.venv in this folder. Python 3.8 must still be able to read this file, to say that it is too old.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
OLDEST = (3, 11)


class Command(NamedTuple):
    """A command: the module that does it, the level of set-up that it needs, and its help."""

    module: str
    level: str
    usage: str
    english: str
    hindi: str


# To add a command, add its line here and its module in tools/.
COMMANDS = {
    "lab": Command(
        "jupyterlab",
        "learner",
        "",
        "open the lessons in JupyterLab",
        "पाठ JupyterLab में खोलें",
    ),
    "run": Command(
        "tools.run",
        "learner",
        "[LESSON…] [--lang hi|en]",
        "run notebooks without opening them; a gallery goes to build/",
        "नोटबुक बिना खोले चलाएँ; गैलरी build/ में बनती है",
    ),
    "train": Command(
        "tools.train",
        "learner",
        "NAME",
        "train one of the course's models again",
        "कोर्स का कोई मॉडल फिर से ट्रेन करें",
    ),
    "bench": Command(
        "tools.bench",
        "dev",
        "[gan]",
        "compare the course with published recipes",
        "कोर्स की तुलना प्रकाशित विधियों से करें",
    ),
    "quiz": Command(
        "tools.quiz_export",
        "learner",
        "…",
        "export quizzes, as for Moodle",
        "क्विज़ एक्सपोर्ट करें, जैसे Moodle के लिए",
    ),
    "assign": Command(
        "tools.grading.assign",
        "dev",
        "LESSON --lang hi|en --to DIR",
        "for instructors: make an assignment to hand out (docs/instructors.md)",
        "शिक्षकों के लिए: बाँटने लायक असाइनमेंट बनाएँ (docs/instructors.md)",
    ),
    "collect": Command(
        "tools.grading.collect",
        "dev",
        "DIR --from FOLDER",
        "take in what students sent",
        "विद्यार्थियों की भेजी फ़ाइलें लें",
    ),
    "grade": Command(
        "tools.grading.grade",
        "dev",
        "DIR [--jobs N]",
        "run and mark each submission, confined",
        "हर नोटबुक घेरे में चलाकर अंक दें",
    ),
    "report": Command(
        "tools.grading.report",
        "dev",
        "DIR",
        "write marks (CSV), a page for each student, a page on the class",
        "अंक (CSV), हर विद्यार्थी का पन्ना और कक्षा का हाल लिखें",
    ),
    "build": Command(
        "tools.build",
        "dev",
        "[LESSON…]",
        "make the notebooks from their sources",
        "स्रोतों से नोटबुक बनाएँ",
    ),
    "check": Command(
        "tools.check",
        "dev",
        "",
        "find what is wrong in lessons and translations",
        "पाठों और अनुवादों की गलतियाँ खोजें",
    ),
    "publish": Command(
        "tools.publish",
        "dev",
        "--repository URL [--tag TAG]",
        "write the repository's address into start cells and badges",
        "शुरुआती सेल और बैज में रिपॉज़िटरी का पता लिखें",
    ),
    "test": Command(
        "",
        "dev",
        "",
        "set up and run everything that must pass",
        "सेट-अप करके सारे टेस्ट चलाएँ",
    ),
    "help": Command("", "", "", "show this table", "यह तालिका दिखाएँ"),
}


class Level(NamedTuple):
    """A level of set-up: its environment, what is installed there, and which levels it includes."""

    folder: str
    files: tuple[str, ...]
    includes: tuple[str, ...] = ()


LEVELS = {
    "learner": Level(".venv", ("requirements.txt",)),
    "dev": Level(".venv", ("requirements.lock.txt", "requirements.txt"), ("learner",)),
    # The older packages that Google Colab has, in which the start cell is tested
    "colab": Level(".venv-colab", ("tools/colab-constraints.txt",)),
}
COLAB_PYTHON = "python3.13"
# What a notebook fetches beside Colab's packages: kept as files, since tests have no network
COLAB_FETCHES = ("matplotlib>=3.11,<4", "fontpkg-noto-sans-devanagari")

STAMP = "course-setup"  # in an environment: what is installed, or UNFINISHED
UNFINISHED = "unfinished"

# Looked for in the output of what failed, from the surest to the least sure
CAUSES = (
    (
        r"no space left|not enough space|disk quota|os error 28|errno 28",
        "The disk is full. Free some space (2 GB, or 7 GB with PyTorch's default builds) and run"
        " the same command again.",
        "डिस्क भर गई है। जगह खाली करें (2 GB, या PyTorch के डिफ़ॉल्ट बिल्ड के लिए 7 GB) और यही"
        " कमांड फिर चलाएँ।",
    ),
    (
        r"ensurepip is not available|no module named .?ensurepip",
        "This Python cannot make environments: its ensurepip is missing. On Debian or Ubuntu:"
        " sudo apt install python3-venv",
        "यह Python वातावरण नहीं बना सकता: इसमें ensurepip नहीं है। Debian या Ubuntu पर:"
        " sudo apt install python3-venv",
    ),
    (
        r"permission denied|errno 13|os error 13|read-only file system",
        "This folder cannot be written to. Copy the course to a folder of your own.",
        "इस फ़ोल्डर में लिखने की अनुमति नहीं है। कोर्स को अपने किसी फ़ोल्डर में कॉपी करें।",
    ),
    (
        r"dns error|failed to fetch|error sending request|name resolution|not known|getaddrinfo"
        r"|connect|timed? ?out|unreachable",
        "The packages could not be fetched: there seems to be no network. What came so far is"
        " kept; run the same command again when there is one.",
        "पैकेज नहीं आ सके: लगता है नेटवर्क नहीं है। जितना आ चुका है वह सुरक्षित है; नेटवर्क आने पर"
        " यही कमांड फिर चलाएँ।",
    ),
    (
        "",
        "Set-up failed; the lines above say why.",
        "सेट-अप नहीं हो सका; कारण ऊपर की पंक्तियों में है।",
    ),
)


class Failure(Exception):
    """Set-up failed; the message says why, in both languages."""


def say(english: str, hindi: str) -> None:
    print(f"{hindi}\n{english}", flush=True)


def explain(output: str) -> Failure:
    """The failure that `output`, the last lines of what failed, speaks of."""
    if shutil.disk_usage(ROOT).free < 50_000_000:  # not every program says that this was why
        output = "no space left"
    _, english, hindi = next(c for c in CAUSES if re.search(c[0], output, re.IGNORECASE))
    return Failure(f"{hindi}\n{english}")


# --- Set-up ------------------------------------------------------------------------------------


def call(command: list, show: bool = True, limit: float | None = None, **env) -> tuple[int, str]:
    """Run `command`; return its status and its last lines, shown as they come if `show`.

    A command that cannot be started has status 127, one stopped after `limit` seconds 124 (the
    limit holds only where nothing is shown).
    """
    command = [str(part) for part in command]
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": {**os.environ, **env}}
    how.update(encoding="utf-8", errors="replace")
    try:
        if not show:
            done = subprocess.run(command, timeout=limit, check=False, **how)
            return done.returncode, done.stdout
        lines = []
        with subprocess.Popen(command, **how) as process:
            for line in process.stdout:
                lines.append(line)
                if not line.startswith((" + ", " - ", " ~ ")):  # uv's list of 150 packages
                    print(line, end="", flush=True)
        return process.returncode, "".join(lines[-50:])
    except subprocess.TimeoutExpired:
        return 124, "timed out"
    except OSError as error:
        return 127, str(error)


def dotted(version) -> str:
    return ".".join(str(part) for part in version[:2])


def python_in(folder: Path) -> Path:
    """The interpreter of the environment in `folder`."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def version_of(python) -> str:
    """The version (as "3.11") of an interpreter that runs and has pip; of others, ""."""
    code, output = call([python, "-c", "import sys, pip; print(sys.version)"], show=False)
    return dotted(output.split(".")) if code == 0 else ""


def base_python(level: str) -> str:
    """The interpreter from which the level's environment is made."""
    return COLAB_PYTHON if level == "colab" and version_of(COLAB_PYTHON) else sys.executable


def key(level: str, version: str) -> str:
    """Changes when what the level installs does, or the Python that it is installed for."""
    contents = [(ROOT / name).read_bytes() for name in LEVELS[level].files]
    return hashlib.sha256(b"\0".join([version.encode(), *contents])).hexdigest()


def write_stamp(folder: Path, text: str) -> None:
    """Whole or not at all, so that a power cut cannot leave half a stamp."""
    part = folder / f"{STAMP}.part"
    part.write_text(text, "utf-8")
    part.replace(folder / STAMP)


def setup(level: str) -> Path:
    """Make the level's environment ready, if it is not yet, and return its interpreter.

    The stamp says "unfinished" from the first step to the last, so an environment whose set-up was
    interrupted is known, and made anew. Raises Failure.
    """
    folder = ROOT / LEVELS[level].folder
    python, stamp = python_in(folder), folder / STAMP
    base = base_python(level)
    version = dotted(sys.version_info) if base == sys.executable else version_of(base)
    done = stamp.read_text("utf-8").split() if stamp.is_file() else []
    if key(level, version) in done and python.exists():
        return python

    began = time.monotonic()
    say(
        f"Setting up ({folder.name}). The first time takes some minutes …",
        f"सेट-अप हो रहा है ({folder.name})। पहली बार कुछ मिनट लगते हैं …",
    )
    try:
        if done == [UNFINISHED] or version_of(python) != version:
            if folder.exists():
                say(f"Making {folder.name} anew.", f"{folder.name} नए सिरे से बन रहा है।")
                shutil.rmtree(folder)
            folder.mkdir()
            write_stamp(folder, UNFINISHED)
            code, output = call([base, "-m", "venv", folder])
            if code:
                raise explain(output)
        write_stamp(folder, UNFINISHED)
        install(python, [ROOT / name for name in LEVELS[level].files])
        if level == "colab":
            fetch = [python, "-m", "pip", "download", "--quiet", "--no-deps", *COLAB_FETCHES]
            code, output = call([*fetch, "--dest", folder / "wheels"])
            if code:
                raise explain(output)
        levels = (level, *LEVELS[level].includes)
        write_stamp(folder, "\n".join(key(name, version) for name in levels))
    except OSError as error:
        print(error)
        raise explain(str(error)) from error
    seconds = time.monotonic() - began
    say(f"Set-up took {seconds:.0f} s.", f"सेट-अप में {seconds:.0f} सेकंड लगे।")
    return python


def install(python: Path, files: list[Path]) -> None:
    """Install the requirement `files` for `python`, with uv, or with pip if uv cannot. May raise
    Failure."""
    uv_python = python_in(ROOT / LEVELS["learner"].folder)  # uv itself is there
    pip = ["-m", "pip", "install", "--disable-pip-version-check"]
    requirements = [part for file in files for part in ("-r", file)]
    code, output = call([uv_python, *pip, "--quiet", "uv"])
    if code == 0:
        uv = [uv_python, "-m", "uv", "pip", "install", "--python", python]
        code, output = call([*uv, *cpu_builds(uv, files[0]), *requirements])
    if code and explain(output).args != explain("errno 28").args:
        say("uv could not install them; trying pip …", "uv से इंस्टॉल नहीं हुआ; pip से कोशिश …")
        code, output = call([python, *pip, *requirements])
    if code:
        raise explain(output)


def has_nvidia() -> bool:
    """Whether an NVIDIA GPU seems to be there."""
    return bool(shutil.which("nvidia-smi") or list(Path("/dev").glob("nvidia*")))


def cpu_builds(uv: list, file: Path) -> list[str]:
    """What makes `uv` take PyTorch's CPU builds, where they serve and can be had; else nothing.

    Outside Linux the default builds are small. Whether the small ones can be had is tried on torch
    alone with short time limits, so that a "no" costs seconds.
    """
    default = os.environ.get("COURSE_TORCH") == "default"
    if default or has_nvidia() or not sys.platform.startswith("linux"):
        return []
    option = ["--torch-backend", "cpu"]
    torch = re.findall(r"^torch(?:vision)?\b(?!-)[^;#\n]*", file.read_text("utf-8"), re.MULTILINE)
    limits = {"UV_HTTP_TIMEOUT": "10", "UV_HTTP_CONNECT_TIMEOUT": "5", "UV_HTTP_RETRIES": "1"}
    code, _ = call([*uv, "--dry-run", "--no-deps", *option, *torch], False, 30, **limits)
    if code == 0:
        return option
    say(
        "PyTorch's small CPU builds cannot be had here; taking the default ones, of about"
        " 6 GB. They work without a GPU too.",
        "PyTorch के छोटे CPU बिल्ड यहाँ नहीं मिले; डिफ़ॉल्ट बिल्ड ले रहे हैं, लगभग 6 GB के।"
        " वे बिना GPU के भी चलते हैं।",
    )
    return []


# --- Commands ----------------------------------------------------------------------------------


def help_text() -> str:
    """Every command in both languages."""
    lines = ["python3 course.py COMMAND / कमांड", ""]
    for name, command in COMMANDS.items():
        lines.append(f"{name} {command.usage}".strip())
        lines += [f"    {command.hindi}", f"    {command.english}"]
    lines += [
        "",
        "COURSE_DEVICE=cpu|cuda|mps    जिस पर मॉडल चलें / what models run on",
        "COURSE_TORCH=default          PyTorch के डिफ़ॉल्ट बिल्ड / PyTorch's default builds",
    ]
    return "\n".join(lines)


def hand_over(command: list, cwd: Path | None = None, **env) -> int:
    """Run `command` with the terminal to itself, in `cwd` or the course; return its status."""
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd or ROOT,
        # Where PYTHONDONTWRITEBYTECODE is set, every process would compile all of torch anew
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "", **env},
    )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it got the Ctrl-C too, and decides what that means
            continue


def dispatch(name: str, arguments: list[str]) -> int:
    """Set up what the command needs and hand over to its module."""
    command = COMMANDS[name]
    if command.module.startswith("tools."):
        file = ROOT / (command.module.replace(".", "/") + ".py")
        if not file.is_file():
            say(f"'{name}' is not in this version yet.", f"'{name}' इस संस्करण में अभी नहीं है।")
            return 2
    python = setup(command.level)
    if name == "lab":
        # JupyterLab refuses root, which is whom a container runs as
        root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        arguments = [*root, *arguments, "lessons"]
        return hand_over([python, "-m", command.module, *arguments])
    # Where the user is, so that the paths they give mean what they meant
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return hand_over([python, "-m", command.module, *arguments], Path.cwd(), PYTHONPATH=paths)


def offline() -> list[str]:
    """What to put before a command so that it has no network but this machine's own; [] if this
    system cannot do that."""
    loopback = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    for flags in ("-n", "-rn"):
        if call(["unshare", flags, *loopback, "true"], show=False)[0] == 0:
            return ["unshare", flags, *loopback]
    return []


def test(arguments: list[str]) -> int:
    """Run everything that must pass, each step even if one before it failed. `arguments` go to
    pytest."""
    python = setup("dev")
    no_network = offline()
    if no_network:
        say("The tests run without a network.", "टेस्ट बिना नेटवर्क के चलते हैं।")
    else:
        say(
            "The network cannot be taken away here: the tests could use it.",
            "यहाँ नेटवर्क बंद नहीं किया जा सकता: टेस्ट उसका उपयोग कर सकते हैं।",
        )
    pytest = [*no_network, python, "-m", "pytest", "tests", "lessons", "--nbval-lax"]
    pytest += ["--nbval-current-env", "--nbval-cell-timeout=300"]
    # One worker a file: cells of one notebook must share a kernel
    pytest += ["-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider", *arguments]
    steps = {
        "colab": lambda: setup("colab") and 0,
        "ruff check": [python, "-m", "ruff", "check"],
        "ruff format": [python, "-m", "ruff", "format", "--check"],
        "check": [python, "-m", "tools.check"],
        "pytest": pytest,
    }
    env = {
        "COURSE_STATIC": "1",
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
        "PYTHONHASHSEED": "0",
    }
    results = []
    for name, step in steps.items():
        print(f"\n--- {name}", flush=True)
        began = time.monotonic()
        try:
            code = step() if callable(step) else hand_over(step, **env)
        except Failure as failure:
            print(failure)
            code = 1
        results.append((name, time.monotonic() - began, code))
    print()
    for name, seconds, code in results:
        print(f"{'FAILED' if code else 'ok':<6} {seconds:6.0f} s  {name}")
    return int(any(code for _, _, code in results))


def main(arguments: list[str]) -> int:
    if sys.version_info < OLDEST:
        here, wanted = dotted(sys.version_info), dotted(OLDEST)
        say(
            f"The course needs Python {wanted} or newer; this is {here}.",
            f"कोर्स को Python {wanted} या नया चाहिए; यह {here} है।",
        )
        return 1
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if name in ("help", "-h", "--help"):
        print(help_text())
        return 0
    if name not in COMMANDS:
        print(help_text())
        print()
        say(f"There is no command '{name}'.", f"'{name}' नाम की कोई कमांड नहीं है।")
        return 2
    try:
        return test(rest) if name == "test" else dispatch(name, rest)
    except Failure as failure:
        print(failure)
        return 1
    except KeyboardInterrupt:
        say(
            "\nInterrupted. Run the same command again: it goes on by itself.",
            "\nबीच में रुका। यही कमांड फिर चलाएँ: काम अपने आप आगे बढ़ेगा।",
        )
        return 130


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):  # a Windows pipe would not take Hindi
        stream.reconfigure(encoding="utf-8", errors="replace")
    sys.exit(main(sys.argv[1:]))
