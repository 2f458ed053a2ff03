"""The Makefile's Python environment: made with the Python that was found good, and mended when half made."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


class Checkout:
    """The Makefile in a folder of its own, with a PATH of pretended Pythons."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        (folder / "requirements").mkdir()
        (folder / "requirements" / "test.txt").write_text("")
        shutil.copy(ROOT / "Makefile", folder)
        for program in ("bash", "touch", "mkdir", "chmod", "rm", "cat"):
            (self.programs / program).symlink_to(str(shutil.which(program)))

    def python(self, name: str, *, new: bool, venv: bool = True) -> None:
        """A Python that says whether it is new enough, and whose venv module makes an environment or half of one."""
        pip = "echo '#!/bin/sh' > .venv/bin/pip; chmod +x .venv/bin/pip" if venv else "exit 1"
        script = f"""#!/bin/bash
if [ "$1" = -c ]; then exit {0 if new else 1}; fi
echo "$@" >> {self.folder}/{name}.called
mkdir -p .venv/bin; touch .venv/bin/python; chmod +x .venv/bin/python
{pip}
"""
        program = self.programs / name
        program.write_text(script)
        program.chmod(0o755)

    def make(self) -> subprocess.CompletedProcess[str]:
        make = str(shutil.which("make"))
        return subprocess.run(
            [make, ".venv/.ready"],
            cwd=self.folder,
            env={"PATH": str(self.programs)},
            capture_output=True,
            text=True,
            check=False,
        )

    def made_with(self, name: str) -> bool:
        return (self.folder / f"{name}.called").exists()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_environment_is_made_with_the_python_that_is_new_enough(checkout: Checkout) -> None:
    checkout.python("python3", new=False)
    checkout.python("python3.11", new=True)
    done = checkout.make()
    assert done.returncode == 0, done.stderr
    assert "Python environment: ready (" in done.stdout
    assert checkout.made_with("python3.11")
    assert not checkout.made_with("python3")


def test_half_an_environment_is_made_whole_once_the_remedy_was_followed(checkout: Checkout) -> None:
    checkout.python("python3", new=True, venv=False)
    refused = checkout.make()
    assert refused.returncode != 0
    assert "apt-get install python3-venv" in refused.stdout
    checkout.python("python3", new=True)
    done = checkout.make()
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_machine_without_a_new_enough_python_is_told_so(checkout: Checkout) -> None:
    checkout.python("python3", new=False)
    assert "OneCall needs Python 3.11 or newer" in checkout.make().stdout
