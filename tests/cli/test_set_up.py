"""`./kontor` on a bare machine: what it does, when it does nothing, and what it says when something is missing.

The programs that fetch from the network (uv, npm) are replaced by small ones that write down that they were called.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

UV = """#!/bin/sh
echo "uv $*" >> "{calls}"
sleep {slow}
mkdir -p "{root}/.venv/bin"
printf '#!/bin/sh\\necho "started $*"\\n' > "{root}/.venv/bin/kontor"
chmod +x "{root}/.venv/bin/kontor"
"""

NODE = """#!/bin/sh
if [ "$1" = --version ]; then echo {version}; exit 0; fi
echo "node build" >> "{calls}"
mkdir -p dist && echo "<html></html>" > dist/index.html
"""

NPM = """#!/bin/sh
echo "npm $1" >> "{calls}"
mkdir -p node_modules
"""


class Checkout:
    """A checkout in a folder with a space, with its own PATH."""

    def __init__(self, top: Path) -> None:
        self.root = top / "a checkout"
        self.programs = top / "programs"
        self.calls_file = top / "calls"
        (self.root / "scripts").mkdir(parents=True)
        (self.root / "src" / "kontor").mkdir(parents=True)
        (self.root / "frontend" / "src").mkdir(parents=True)
        self.programs.mkdir()
        shutil.copy(ROOT / "kontor", self.root)
        for name in ("launch.py", "build_ui.py"):
            shutil.copy(ROOT / "scripts" / name, self.root / "scripts")
        (self.root / "pyproject.toml").write_text("[project]\n")
        (self.root / "frontend" / "package.json").write_text("{}")
        (self.root / "frontend" / "package-lock.json").write_text("{}")
        (self.root / "frontend" / "src" / "main.ts").write_text("1")
        for name in ("sh", "dirname", "uname", "sleep", "mkdir", "chmod", "cat", "echo"):
            found = shutil.which(name)
            assert found is not None
            (self.programs / name).symlink_to(found)
        self.add("python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        self.add_node()
        self.add("npm", NPM.format(calls=self.calls_file))
        self.add_uv()

    def add(self, name: str, script: str, *, folder: Path | None = None) -> None:
        path = (folder or self.programs) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(script)
        path.chmod(0o755)

    def add_uv(self, slow: str = "0") -> None:
        script = UV.format(calls=self.calls_file, root=self.root, slow=slow)
        self.add("uv", script, folder=self.root / ".tools" / "bin")

    def add_node(self, version: str = "v20.19.0") -> None:
        self.add("node", NODE.format(calls=self.calls_file, version=version))

    def begin(self, *arguments: str, cwd: Path | None = None) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(self.root / "kontor"), *arguments],
            env={"PATH": str(self.programs), "HOME": str(self.root.parent), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=cwd or "/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, cwd: Path | None = None) -> tuple[int, str]:
        process = self.begin(*arguments, cwd=cwd)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def calls(self) -> list[str]:
        """What was called since the last question, by the first two words."""
        if not self.calls_file.exists():
            return []
        lines = self.calls_file.read_text().splitlines()
        self.calls_file.unlink()
        return [" ".join(line.split()[:2]) for line in lines]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_first_start_does_everything_and_tells_how_far_it_is(checkout: Checkout) -> None:
    status, said = checkout.run("--port", "9000")
    assert status == 0, said
    assert checkout.calls() == ["uv sync", "npm ci", "node build"]
    assert "[1/2] Python packages" in said
    assert "[2/2] Web app" in said
    assert said.endswith("started --port 9000\n")
    assert (checkout.root / "src" / "kontor" / "_ui" / "index.html").exists()


def test_a_second_start_does_nothing_but_start(checkout: Checkout) -> None:
    checkout.run()
    checkout.calls()
    for name in ("node", "npm"):
        (checkout.programs / name).unlink()
    assert checkout.run() == (0, "started \n")
    assert checkout.calls() == []


@pytest.mark.parametrize(
    ("changed", "called"),
    [
        ("frontend/src/main.ts", ["node build"]),
        ("frontend/package-lock.json", ["npm ci", "node build"]),
        ("pyproject.toml", ["uv sync"]),
    ],
)
def test_only_what_changed_is_done_again(checkout: Checkout, changed: str, called: list[str]) -> None:
    checkout.run()
    checkout.calls()
    (checkout.root / changed).write_text("changed")
    assert checkout.run()[0] == 0
    assert checkout.calls() == called


def test_tests_need_more_and_what_they_need_stays(checkout: Checkout) -> None:
    checkout.run()
    assert "--no-dev" in checkout.calls_file.read_text()
    checkout.calls()
    checkout.run("test")
    assert "--no-dev" not in checkout.calls_file.read_text()
    checkout.calls()
    checkout.run()
    assert checkout.calls() == []


def test_what_needs_no_web_app_works_without_node(checkout: Checkout) -> None:
    (checkout.programs / "node").unlink()
    assert checkout.run("doctor")[1].endswith("started doctor\n")
    assert checkout.calls() == ["uv sync"]


def test_it_works_from_any_folder_and_through_a_relative_path(checkout: Checkout) -> None:
    status, _ = checkout.run(cwd=checkout.root.parent)
    assert status == 0
    done = subprocess.run(["./kontor", "x"], cwd=checkout.root, env={"PATH": str(checkout.programs)},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.stdout == "started x\n"


def test_a_moved_checkout_gets_a_new_environment(checkout: Checkout) -> None:
    checkout.run()
    left = checkout.root / ".venv" / "bin" / "left from before"
    left.touch()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    checkout.add_uv()
    assert checkout.run()[1].endswith("started \n")
    assert not (checkout.root / ".venv" / "bin" / left.name).exists()


def test_a_link_to_the_launcher_leads_to_its_checkout(checkout: Checkout) -> None:
    readlink = shutil.which("readlink")
    assert readlink is not None
    (checkout.programs / "readlink").symlink_to(readlink)
    elsewhere = checkout.root.parent / "bin"
    elsewhere.mkdir()
    (elsewhere / "kontor").symlink_to("../a checkout/kontor")
    (elsewhere / "again").symlink_to(elsewhere / "kontor")
    done = subprocess.run([str(elsewhere / "again"), "x"], env={"PATH": str(checkout.programs)},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.stdout.endswith("started x\n"), done.stderr


def test_two_starts_at_once_set_up_once(checkout: Checkout) -> None:
    checkout.add_uv(slow="1")
    both = [checkout.begin(), checkout.begin()]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(checkout.calls()) == ["node build", "npm ci", "uv sync"]
    assert any("waiting for it" in words for words in said)


def test_a_failed_set_up_says_why_and_the_next_start_goes_on(checkout: Checkout) -> None:
    checkout.add("npm", "#!/bin/sh\necho 'no network' >&2\nexit 1\n")
    status, said = checkout.run()
    assert status == 1
    assert "no network" in said
    assert "Traceback" not in said
    checkout.add("npm", NPM.format(calls=checkout.calls_file))
    checkout.calls()
    assert checkout.run()[0] == 0
    assert checkout.calls() == ["npm ci", "node build"]


def test_a_missing_or_old_node_is_named_with_advice(checkout: Checkout) -> None:
    checkout.add_node("v18.19.0")
    status, said = checkout.run()
    assert status == 1
    assert "Node 20.19 or newer" in said
    assert "v18.19.0" in said
    (checkout.programs / "node").unlink()
    assert "this machine has none" in checkout.run()[1]


def test_an_old_or_missing_python_is_named_with_advice(checkout: Checkout) -> None:
    checkout.add("python3", '#!/bin/sh\nif [ "$1" = --version ]; then echo Python 3.9.2; exit 0; fi\nexit 1\n')
    status, said = checkout.run()
    assert status == 1
    assert "Python 3.11 or newer; this machine has Python 3.9.2" in said
    (checkout.programs / "python3").unlink()
    assert "this machine has none" in checkout.run()[1]


@pytest.fixture(scope="module")
def lock() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "scripts" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pins_of_this_checkout_agree_and_name_no_host(lock: ModuleType) -> None:
    assert lock.check() == []


def test_a_version_that_depends_on_the_machine_keeps_its_marker(lock: ModuleType) -> None:
    exported = (
        "a==1 \\\n    --hash=sha256:0\nb==1 ; python_full_version < '3.12'\nb==2 ; python_full_version >= '3.12'\n"
    )
    assert lock.constraints_of(exported) == [
        "a==1",
        "b==1 ; python_full_version < '3.12'",
        "b==2 ; python_full_version >= '3.12'",
    ]


def test_a_package_without_a_hash_is_found(lock: ModuleType) -> None:
    assert lock.without_hash("a==1 \\\n    --hash=sha256:0\nb==2\n") == ["b"]


def test_no_lock_file_names_where_packages_came_from() -> None:
    for path in (ROOT / "requirements.lock", ROOT / "pyproject.toml", ROOT / "frontend" / "package-lock.json"):
        text = path.read_text()
        assert '"resolved"' not in text
        assert "--index-url" not in text
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "/uv.lock" in ignored
    assert os.access(ROOT / "kontor", os.X_OK)
