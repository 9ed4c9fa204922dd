"""course.py: set-up that repeats, repairs and explains itself; commands; requirements in step.

Nothing is installed here: a stand-in for `course.call` records the commands and plays the machine.
"""

import ast
import importlib.util
import json
import os
import re
import socket
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
HINDI = re.compile("[ऀ-ॿ]")


class Machine:
    """Plays the commands of a set-up. `outcomes`: kind of command → (status, output), or an
    exception to raise."""

    def __init__(self) -> None:
        self.outcomes = {}
        self.commands = []

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.commands]

    def options(self, kind: str) -> list[str]:
        """The last command of that kind."""
        return next(command for k, command in reversed(self.commands) if k == kind)

    def call(self, command, show=True, limit=None, **env):
        command = [str(part) for part in command]
        kind = self.kind(command)
        self.commands.append((kind, command))
        outcome = self.outcomes.get(kind, (0, ""))
        python = Path(command[0])
        if kind == "venv":
            python = Path(command[-1], "bin", "python")
            python.parent.mkdir()
        if isinstance(outcome, BaseException):
            raise outcome
        if kind == "venv" and outcome[0] == 0:
            python.touch()
        if kind == "version" and "version" not in self.outcomes:
            there = command[0] == sys.executable or python.exists()
            outcome = (0, f"{VERSION}.7 (main)\n") if there else (127, "no such file")
        return outcome

    @staticmethod
    def kind(command: list[str]) -> str:
        if "-c" in command:
            return "version"
        if "venv" in command:
            return "venv"
        if "--dry-run" in command:
            return "probe"
        if command[2:4] == ["uv", "pip"]:
            return "uv"
        if "download" in command:
            return "download"
        return "fetch uv" if command[-1] == "uv" else "pip"


def load() -> ModuleType:
    """A fresh copy of course.py."""
    spec = importlib.util.spec_from_file_location("course", ROOT / "course.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def course(tmp_path, monkeypatch, machine) -> ModuleType:
    """course.py in a folder with nothing but requirements, on a machine without a GPU."""
    module = load()
    (tmp_path / "tools").mkdir()
    torch = "torch>=2.6,!=2.13.0\ntorchvision>=0.21\n"
    (tmp_path / "requirements.txt").write_text(torch + "torchmetrics\ntorch-tools\n")
    (tmp_path / "requirements.lock.txt").write_text("torch==2.15.0\ntorch-tools==1\n")
    (tmp_path / "tools" / "colab-constraints.txt").write_text("torch==2.11.*\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "call", machine.call)
    monkeypatch.setattr(module, "has_nvidia", lambda: False)
    monkeypatch.delenv("COURSE_TORCH", raising=False)
    return module


# --- set-up ------------------------------------------------------------------------------------


def test_sets_up_once_and_says_how_long_it_took(course, machine, capsys):
    python = course.setup("learner")
    assert machine.kinds == ["version", "venv", "fetch uv", "probe", "uv"]
    assert python == course.ROOT / ".venv" / "bin" / "python"
    said = capsys.readouterr().out
    assert re.search(r"took \d+ s", said) and re.search(r"\d+ सेकंड", said)
    machine.commands.clear()
    assert course.setup("learner") == python
    assert machine.commands == []


def test_changed_requirements_are_installed_into_the_same_environment(course, machine):
    course.setup("learner")
    kept = course.ROOT / ".venv" / "kept"
    kept.touch()
    machine.commands.clear()
    with (course.ROOT / "requirements.txt").open("a") as file:
        file.write("tqdm\n")
    course.setup("learner")
    assert "uv" in machine.kinds and "venv" not in machine.kinds
    assert kept.exists()


def test_dev_includes_learner_but_not_the_other_way(course, machine):
    course.setup("learner")
    course.setup("dev")
    assert machine.options("uv")[-4:] == [
        *("-r", str(course.ROOT / "requirements.lock.txt")),
        *("-r", str(course.ROOT / "requirements.txt")),
    ]
    machine.commands.clear()
    course.setup("learner")
    assert machine.commands == []


@pytest.mark.parametrize("step", ["venv", "fetch uv", "probe", "uv"])
def test_interrupted_set_up_is_made_anew(course, machine, step):
    machine.outcomes[step] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        course.setup("learner")
    half = course.ROOT / ".venv" / "half-copied"
    half.touch()
    machine.outcomes.clear()
    machine.commands.clear()
    course.setup("learner")
    assert "venv" in machine.kinds and not half.exists()
    machine.commands.clear()
    course.setup("learner")
    assert machine.commands == []


def test_interrupted_update_is_made_anew(course, machine):
    """An environment that was whole is not, after an update that stopped half-way."""
    course.setup("learner")
    machine.outcomes["uv"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        course.setup("dev")
    machine.outcomes.clear()
    machine.commands.clear()
    course.setup("learner")
    assert "venv" in machine.kinds


def test_an_environment_made_by_hand_is_kept(course, machine):
    python = course.ROOT / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    course.setup("learner")
    assert machine.kinds == ["version", "fetch uv", "probe", "uv"]


@pytest.mark.parametrize("answer", [(0, "3.10.4 (main)"), (1, "No module named 'pip'")])
def test_an_environment_of_another_python_or_a_broken_one_is_made_anew(course, machine, answer):
    python = course.ROOT / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    machine.outcomes["version"] = answer
    course.setup("learner")
    assert "venv" in machine.kinds


def test_an_environment_whose_python_went_away_is_made_anew(course, machine):
    course.setup("learner").unlink()
    machine.commands.clear()
    course.setup("learner")
    assert "venv" in machine.kinds


@pytest.mark.parametrize("fails", ["fetch uv", "uv"])
def test_pip_installs_where_uv_cannot(course, machine, capsys, fails):
    machine.outcomes[fails] = (1, "error: unsupported platform")
    course.setup("learner")
    assert machine.kinds[-1] == "pip"
    assert machine.options("pip")[-2:] == ["-r", str(course.ROOT / "requirements.txt")]
    assert "trying pip" in capsys.readouterr().out


def test_the_colab_environment_is_apart_and_keeps_what_notebooks_fetch(course, machine):
    python = course.setup("colab")
    assert python.parents[1].name == ".venv-colab"
    assert machine.options("uv")[0] == str(course.python_in(course.ROOT / ".venv"))
    assert any(part.startswith("matplotlib") for part in machine.options("download"))


# --- which PyTorch -----------------------------------------------------------------------------


def test_asks_for_cpu_builds_of_torch_alone(course, machine, capsys):
    course.setup("learner")
    asked = machine.options("probe")
    assert asked[-4:] == ["--torch-backend", "cpu", "torch>=2.6,!=2.13.0", "torchvision>=0.21"]
    assert "--torch-backend cpu" in " ".join(machine.options("uv"))
    assert "cannot be had" not in capsys.readouterr().out


def test_takes_the_default_builds_where_cpu_builds_cannot_be_had_and_says_so(
    course, machine, capsys
):
    machine.outcomes["probe"] = (2, "dns error")
    course.setup("dev")
    assert "--torch-backend" not in machine.options("uv")
    said = capsys.readouterr().out
    assert "default ones, of about 6 GB" in said and "डिफ़ॉल्ट बिल्ड ले रहे हैं" in said


def test_does_not_ask_for_cpu_builds_when_told_not_to(course, machine, monkeypatch):
    monkeypatch.setenv("COURSE_TORCH", "default")
    course.setup("learner")
    assert "probe" not in machine.kinds and "--torch-backend" not in machine.options("uv")


def test_does_not_ask_for_cpu_builds_where_there_is_a_gpu(course, machine, monkeypatch):
    monkeypatch.setattr(course, "has_nvidia", lambda: True)
    course.setup("learner")
    assert "probe" not in machine.kinds and "--torch-backend" not in machine.options("uv")


# --- what went wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "output", "english", "hindi"),
    [
        ("uv", "failed to copy file: No space left on device (os error 28)", "disk", "डिस्क"),
        ("uv", "cause: dns error", "network", "नेटवर्क"),
        ("uv", "ERROR: Could not connect to proxy", "network", "नेटवर्क"),
        ("venv", "ensurepip is not available.", "python3-venv", "ensurepip"),
        ("venv", "[Errno 13] Permission denied: '.venv'", "folder of your own", "अनुमति"),
        ("uv", "No solution found when resolving dependencies", "lines above", "ऊपर"),
    ],
)
def test_says_plainly_what_failed(course, machine, capsys, step, output, english, hindi):
    (course.ROOT / "tools" / "run.py").touch()
    machine.outcomes = {step: (1, output), "pip": (1, output)}
    assert course.main(["run"]) == 1
    said = capsys.readouterr().out
    assert english in said and hindi in said
    if "No space" in output:
        assert "pip" not in machine.kinds, "pip would fill the disk again"
    machine.outcomes.clear()
    machine.commands.clear()
    course.setup("learner")
    assert "venv" in machine.kinds, "what failed half-way must be made anew"


def test_a_full_disk_is_named_whatever_the_program_says(course, machine, monkeypatch, capsys):
    (course.ROOT / "tools" / "run.py").touch()
    full = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(course.shutil, "disk_usage", lambda path: full)
    machine.outcomes["venv"] = (1, "ensurepip returned non-zero exit status 1")
    assert course.main(["run"]) == 1
    assert "disk is full" in capsys.readouterr().out


def test_python_that_is_too_old_is_told_so_before_anything_happens(
    course, machine, monkeypatch, capsys
):
    monkeypatch.setattr(course.sys, "version_info", (3, 8, 18))
    assert course.main(["lab"]) == 1
    said = capsys.readouterr().out
    assert "needs Python 3.11 or newer; this is 3.8" in said and HINDI.search(said)
    assert machine.commands == []


def test_an_old_python_can_read_the_launcher():
    ast.parse((ROOT / "course.py").read_text("utf-8"), feature_version=(3, 8))


def test_the_launcher_imports_only_the_standard_library():
    tree = ast.parse((ROOT / "course.py").read_text("utf-8"))
    names = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


# --- commands ----------------------------------------------------------------------------------


def test_help_lists_every_command_in_both_languages(course, capsys):
    assert course.main(["help"]) == 0
    table = capsys.readouterr().out
    assert {"lab", "run", "test", "build", "check"} <= set(course.COMMANDS)
    assert {"train", "publish", "bench", "quiz", "help"} <= set(course.COMMANDS)
    for name, command in course.COMMANDS.items():
        entry = rf"^{name}\b.*\n    {re.escape(command.hindi)}\n    {re.escape(command.english)}$"
        assert re.search(entry, table, re.MULTILINE)
        assert HINDI.search(command.hindi) and not HINDI.search(command.english)


def test_an_unknown_command_shows_the_help(course, capsys):
    assert course.main(["lessons"]) == 2
    said = capsys.readouterr().out
    assert "no command 'lessons'" in said and "JupyterLab" in said


def test_a_command_of_a_later_version_installs_nothing(course, machine, capsys):
    assert course.main(["bench"]) == 2
    assert "not in this version" in capsys.readouterr().out
    assert machine.commands == []


@pytest.mark.parametrize(
    ("arguments", "handed_over"),
    [
        (["run", "1", "--lang", "hi"], ["-m", "tools.run", "1", "--lang", "hi"]),
        (["build"], ["-m", "tools.build"]),
        (["train", "cnn"], ["-m", "tools.train", "cnn"]),
        (["quiz", "gift"], ["-m", "tools.quiz_export", "gift"]),
    ],
)
def test_commands_go_to_their_modules_with_their_status(
    course, monkeypatch, arguments, handed_over
):
    (course.ROOT / "tools" / f"{handed_over[1].split('.')[1]}.py").touch()
    got = []

    def hand_over(command, cwd=course.ROOT, **env):
        got.append((command, cwd, env.get("PYTHONPATH", "").split(os.pathsep)[0]))
        return 7

    monkeypatch.setattr(course, "hand_over", hand_over)
    monkeypatch.chdir("/")
    assert course.main(arguments) == 7
    # in the user's folder, where their relative paths lead
    command = [course.ROOT / ".venv" / "bin" / "python", *handed_over]
    assert got == [(command, Path("/"), str(course.ROOT))]


def test_lab_opens_the_lessons(course, monkeypatch):
    got = []
    monkeypatch.setattr(course, "hand_over", lambda command: got.append(command) or 0)
    assert course.main(["lab", "--no-browser"]) == 0
    assert got[0][1:3] == ["-m", "jupyterlab"]
    assert got[0][-2:] == ["--no-browser", "lessons"]


def test_hand_over_runs_in_the_course_with_utf8(course, capfd):
    program = "import os, sys; print(os.getcwd(), sys.flags.utf8_mode, os.environ['A']); exit(3)"
    assert course.hand_over([sys.executable, "-c", program], A="1") == 3
    assert capfd.readouterr().out.split() == [str(course.ROOT), "1", "1"]
    assert course.hand_over([sys.executable, "-c", program], Path("/"), A="1") == 3
    assert capfd.readouterr().out.split() == ["/", "1", "1"]


def test_call_shows_lines_and_keeps_the_status(capsys):
    course = load()
    code, output = course.call([sys.executable, "-c", "print('क'); print(' + numpy==2'); exit(4)"])
    assert (code, output.split("\n")[0]) == (4, "क")
    assert capsys.readouterr().out == "क\n"  # without uv's list of packages
    assert course.call(["no-such-program"], show=False)[0] == 127
    program = "import time; time.sleep(9)"
    assert course.call([sys.executable, "-c", program], show=False, limit=0.2)[0] == 124


# --- test --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", ["ruff", "tools.check", "pytest", "colab", None])
def test_test_runs_every_step_and_fails_if_one_did(course, machine, monkeypatch, capsys, fails):
    steps = []

    def hand_over(command, **env):
        module = command[command.index("-m") + 1]
        steps.append((module, command, env))
        return int(module == fails)

    if fails == "colab":
        machine.outcomes["download"] = (1, "dns error")
    monkeypatch.setattr(course, "hand_over", hand_over)
    monkeypatch.setattr(course, "offline", lambda: ["unshare", "-n"])
    assert course.main(["test", "-k", "quiz"]) == int(fails is not None)
    assert [module for module, _, _ in steps] == ["ruff", "ruff", "tools.check", "pytest"]
    _, command, env = steps[-1]
    assert command[:2] == ["unshare", "-n"] and command[-2:] == ["-k", "quiz"]
    line = " ".join(map(str, command))
    assert "tests lessons --nbval-lax --nbval-current-env --nbval-cell-timeout=300" in line
    assert "-n 2 --dist loadfile -p no:cacheprovider" in line
    wanted = {"COURSE_STATIC": "1", "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1"}
    assert env == {**wanted, "PYTHONHASHSEED": "0", "MPLBACKEND": "agg"}
    said = capsys.readouterr().out
    assert said.count("FAILED") == (2 if fails == "ruff" else int(fails is not None))


def test_says_when_the_tests_could_use_the_network(course, monkeypatch, capsys):
    monkeypatch.setattr(course, "hand_over", lambda command, **env: 0)
    monkeypatch.setattr(course, "offline", list)
    course.main(["test"])
    assert "could use it" in capsys.readouterr().out


def test_offline_leaves_only_this_machine():
    course = load()
    prefix = course.offline()
    if not prefix:
        pytest.skip("no network namespaces on this system")
    program = """
import json, socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), timeout=5).close()
print(json.dumps([name for _, name in socket.if_nameindex()]))"""
    code, output = course.call([*prefix, sys.executable, "-c", program], show=False)
    assert code == 0, output
    assert json.loads(output) == ["lo"]
    assert socket.if_nameindex(), "and the rest of the system is as it was"


# --- requirements ------------------------------------------------------------------------------


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def requirement_lines(name: str) -> list[str]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_requirements_are_those_of_the_project():
    assert requirement_lines("requirements.txt") == project()["dependencies"]


def test_the_lock_pins_what_the_project_asks_for():
    pins = {}
    for line in requirement_lines("requirements.lock.txt"):
        pin = Requirement(line)
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), line
        pins.setdefault(pin.name.lower(), []).append(str(pin.specifier)[2:])
    wanted = project()["dependencies"] + project()["optional-dependencies"]["dev"]
    for requirement in map(Requirement, wanted):
        versions = pins.get(requirement.name.lower(), [])
        assert versions, f"{requirement.name} is not in the lock"
        assert all(requirement.specifier.contains(v) for v in versions), requirement


def test_the_lock_names_no_index_and_no_cuda_library():
    """CPU machines would else fetch gigabytes of CUDA."""
    text = (ROOT / "requirements.lock.txt").read_text("utf-8")
    assert "://" not in text and "--index" not in text
    assert not re.search(r"^(nvidia|cuda|triton)|^torch==2\.13\.0", text, re.MULTILINE)


def test_the_colab_environment_has_a_matplotlib_that_scrambles_hindi():
    """A newer one would leave the way around it untested."""
    lines = requirement_lines("tools/colab-constraints.txt")
    pins = {pin.name: str(pin.specifier) for pin in map(Requirement, lines)}
    assert pins["matplotlib"] == "==3.10.0"
    assert "fontpkg-noto-sans-devanagari" not in pins
