"""Where students' code runs: a process that has no network, sees no other file, and is limited.

A *sandbox* makes the command that runs a script confined. Whether this machine's really confines is
not believed but tried: a script goes in and tries to read a file, to reach a server on this machine
and to write a file. The first sandbox in which it can do none of these is taken.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.grading import GradingError
from tools.lessons import ROOT

MEBIBYTE = 2**20
SCRATCH = 64 * MEBIBYTE  # what may be written, in memory
PROCESSES = 64
INSIDE = Path("/course")  # where the sandbox shows the folder that `furnish` makes
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "agg",
    "MPLCONFIGDIR": "/tmp",
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "COURSE_STATIC": "1",
}

# In place of the checks, which know the answers: whatever is checked is handed back.
PASSES_ALL = '''\
"""The checks are not here: what they would say is decided outside."""


class _Any:
    def __getattr__(self, name):
        return lambda *given: given[0] if given else None


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Any()
'''
WITHHELD = 'raise ImportError("write it out: the course\'s own {module} is not here / ख़ुद लिखिए")\n'

PROBE = """\
import json, os, socket, sys

secret, port, outside = sys.argv[1], int(sys.argv[2]), sys.argv[3]
found = []
def attempt(name, act):
    try:
        act()
        found.append(name)
    except OSError:
        pass
attempt("read", lambda: open(secret).read())
attempt("connect", lambda: socket.create_connection(("127.0.0.1", port), 2))
attempt("write", lambda: open(outside, "w").close())
print(json.dumps({"found": found}))
"""


@dataclass(frozen=True)
class Sandbox:
    """`command(script, arguments, number)` is what runs `script`, which lies in the furnished
    folder; `number` differs between sandboxes that are open at once. `stop(number)` ends what
    killing that process leaves running, if anything."""

    name: str
    command: Callable[[str, list[str], int], list[str]]
    stop: Callable[[int], list[str]] | None = None
    confined: bool = True


def furnish(folder: Path, lesson: str) -> None:
    """Fill `folder` with what the worker needs, and with nothing that knows an answer."""
    shutil.rmtree(folder, ignore_errors=True)
    module = lesson.split("-", 1)[1].replace("-", "_")
    shutil.copytree(
        ROOT / "common", folder / "common", ignore=shutil.ignore_patterns("__pycache__", "weights")
    )
    for path in (folder / "common" / "check").glob("*.py"):
        if path.name != "frozen.py":
            path.unlink()
    (folder / "common" / "check" / "__init__.py").write_text(PASSES_ALL, "utf-8")
    if (own := folder / "common" / f"{module}.py").exists():
        own.write_text(WITHHELD.format(module=f"common.{module}"), "utf-8")
    shutil.copy(Path(__file__).with_name("worker.py"), folder)
    (folder / "probe.py").write_text(PROBE, "utf-8")
    for path in (folder, *folder.rglob("*")):  # another user reads it
        path.chmod(0o755 if path.is_dir() else 0o644)


def python_folders() -> list[Path]:
    """What Python and its packages need of this machine's files."""
    system = [Path(p) for p in ("/lib", "/lib64", "/lib32", "/bin", "/usr/lib", "/usr/lib64")]
    system += [Path(p) for p in ("/usr/bin", "/usr/local/lib", "/etc/ld.so.cache", "/etc/fonts")]
    system += [Path("/etc/alternatives"), Path("/usr/share/zoneinfo"), Path("/usr/share/fonts")]
    real = Path(sys.executable).resolve()
    own = [Path(sys.prefix), Path(sys.base_prefix), real.parent]
    kept: list[Path] = []
    for path in [*system, *own]:
        inside = any(path.is_relative_to(other) for other in kept)
        if path.exists() and not inside and path not in (Path("/"), Path("/usr")):
            kept.append(path)
    return kept


# --- the kinds of sandbox -------------------------------------------------------------------------


def bubblewrap(folder: Path, own_user: bool) -> Sandbox:
    """`own_user`: root can give each worker a user of its own, whose processes can be counted."""

    def command(script: str, arguments: list[str], number: int) -> list[str]:
        line = ["bwrap", "--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid"]
        line += ["--unshare-net", "--unshare-uts", "--unshare-cgroup-try", "--clearenv"]
        line += ["--hostname", "sandbox"]
        if own_user:
            line += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
            arguments = [*arguments, "--uid", str(user(number))] if script == WORKER else arguments
        else:
            line += ["--unshare-user-try"]
        folders = python_folders()
        for parent in sorted({p for path in folders for p in path.parents} - {Path("/")}):
            line += ["--perms", "0755", "--dir", str(parent)]  # else only root may pass
        for path in folders:
            if path.is_symlink():
                line += ["--symlink", str(path.readlink()), str(path)]
            else:
                line += ["--ro-bind", str(path), str(path)]
        line += ["--ro-bind", str(folder), str(INSIDE), "--proc", "/proc", "--dev", "/dev"]
        line += ["--perms", "1777", "--size", str(SCRATCH), "--tmpfs", "/tmp", "--chdir", "/tmp"]
        line += ["--remount-ro", "/dev", "--remount-ro", "/"]
        for name, value in ENVIRONMENT.items():
            line += ["--setenv", name, value]
        return [*line, *python(INSIDE / script), *arguments]

    return Sandbox("bubblewrap", command)


def systemd(folder: Path, memory: int, seconds: int) -> Sandbox:
    def unit(number: int) -> str:
        return f"srijan-grade-{os.getpid()}-{number}"

    def command(script: str, arguments: list[str], number: int) -> list[str]:
        properties = {
            "DynamicUser": "yes",
            "PrivateNetwork": "yes",
            "PrivateDevices": "yes",
            "PrivateIPC": "yes",
            "NoNewPrivileges": "yes",
            "TemporaryFileSystem": f"/:ro /tmp:size={SCRATCH},mode=1777",
            "WorkingDirectory": "/tmp",
            "MemoryMax": str(memory + 1024 * MEBIBYTE),
            "MemorySwapMax": "0",
            "TasksMax": str(PROCESSES),
            "RuntimeMaxSec": str(seconds),
            "BindReadOnlyPaths": " ".join([*map(str, python_folders()), f"{folder}:{INSIDE}"]),
            "Environment": " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items()),
        }
        line = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--unit={unit(number)}"]
        for name, value in properties.items():
            line += ["-p", f"{name}={value}"]
        return [*line, *python(INSIDE / script), *arguments]

    return Sandbox("systemd-run", command, lambda n: ["systemctl", "kill", "-s", "KILL", unit(n)])


def container(folder: Path, image: str, memory: int) -> Sandbox:
    """`image` has Python and torch; docker or podman runs it."""
    program = next((p for p in ("docker", "podman") if shutil.which(p)), "docker")

    def box(number: int) -> str:
        return f"srijan-grade-{os.getpid()}-{number}"

    def command(script: str, arguments: list[str], number: int) -> list[str]:
        line = [program, "run", "--rm", "-i", "--init", "--name", box(number), "--network", "none"]
        line += ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        line += ["--user", "65534:65534", "--pids-limit", str(PROCESSES), "--workdir", "/tmp"]
        line += ["--memory", str(memory + 1024 * MEBIBYTE), "--tmpfs", f"/tmp:size={SCRATCH}"]
        line += ["--volume", f"{folder}:{INSIDE}:ro"]
        for name, value in ENVIRONMENT.items():
            line += ["--env", f"{name}={value}"] if name != "PATH" else []
        return [*line, image, "python3", *python(INSIDE / script)[1:], *arguments]

    return Sandbox(f"{program} ({image})", command, lambda n: [program, "kill", box(n)])


def unconfined(folder: Path) -> Sandbox:
    def command(script: str, arguments: list[str], number: int) -> list[str]:
        return [*python(folder / script), *arguments]

    return Sandbox("none", command, confined=False)


WORKER = "worker.py"


def python(script: Path) -> list[str]:
    return [sys.executable, "-I", "-B", "-X", "utf8", str(script)]


def user(number: int) -> int:
    """A user id that nobody has: one for each sandbox that is open."""
    return 20_000 + (os.getpid() * 64 + number % 64) % 40_000


# --- choosing one ---------------------------------------------------------------------------------


@contextlib.contextmanager
def _bait() -> Iterator[tuple[Path, int, Path]]:
    """A file to be read, a server's port, a file to be written: none may be reached."""
    with tempfile.TemporaryDirectory() as place, socket.create_server(("127.0.0.1", 0)) as server:
        folder = Path(place)
        folder.chmod(0o777)
        (folder / "secret").write_text("secret")
        (folder / "secret").chmod(0o644)
        yield folder / "secret", server.getsockname()[1], folder / "written"


def what_gets_out(sandbox: Sandbox) -> list[str] | None:
    """What a script inside can do that it should not; None where it does not even run."""
    with _bait() as (secret, port, outside):
        arguments = [str(secret), str(port), str(outside)]
        try:
            done = subprocess.run(
                sandbox.command("probe.py", arguments, 0),
                capture_output=True,
                timeout=60,
                check=False,
                stdin=subprocess.DEVNULL,
                cwd="/",
            )
            found = json.loads(done.stdout)["found"]
        except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
            return None
        return [*found, "write"] if outside.exists() else found


def can_become_another() -> bool:
    """Whether this process is a root that may take a user id of its own."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    try:
        own = {"user": user(0), "group": user(0), "extra_groups": []}
        return subprocess.run(["true"], cwd="/", check=False, **own).returncode == 0
    except (OSError, ValueError, subprocess.SubprocessError):
        return False


def choose(
    folder: Path, *, image: str | None, memory: int, seconds: int, allow_none: bool = False
) -> Sandbox:
    """The first sandbox that confines. `image`: a container and nothing else. Raises GradingError
    where there is none, unless `allow_none`."""
    candidates = []
    if image:
        candidates.append(container(folder, image, memory))
    elif not allow_none:
        if shutil.which("bwrap"):
            if can_become_another():
                candidates.append(bubblewrap(folder, own_user=True))
            candidates.append(bubblewrap(folder, own_user=False))
        if shutil.which("systemd-run"):
            candidates.append(systemd(folder, memory, seconds))
    else:
        return unconfined(folder)
    for sandbox in candidates:
        if what_gets_out(sandbox) == []:
            return sandbox
    tried = ", ".join(dict.fromkeys(s.name for s in candidates)) or "-"
    raise GradingError(
        "विद्यार्थियों का कोड यहाँ सुरक्षित घेरे में नहीं चल सकता, इसलिए जाँच शुरू नहीं हुई।"
        f" (आज़माया: {tried})\nUbuntu/Debian पर: sudo apt install bubblewrap।"
        " या --container IMAGE दीजिए। --unconfined से बिना घेरे के चलता है: तब विद्यार्थियों का कोड"
        " आपकी हर फ़ाइल पढ़ और मिटा सकता है।",
        "Students' code cannot be confined here, so nothing was graded."
        f" (Tried: {tried})\nOn Ubuntu or Debian: sudo apt install bubblewrap."
        " Or give --container IMAGE. With --unconfined it runs without: students' code can then"
        " read and delete every file of yours.",
    )


numbers = itertools.count(1)


def end(process: subprocess.Popen, sandbox: Sandbox, number: int) -> None:
    """Kill a sandbox with everything in it."""
    if sandbox.stop and process.poll() is None:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(sandbox.stop(number), capture_output=True, timeout=30, check=False)
    if not sandbox.confined and hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
