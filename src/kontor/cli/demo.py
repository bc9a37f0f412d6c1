"""`kontor demo-provider`: the fake providers of the tests, for people who want to try everything without a key."""

import os
import sys

from kontor.cli.verify import ROOT
from kontor.cli.words import USAGE, complain


def run(port: int) -> int:
    if not (ROOT / "tests" / "wire" / "demo.py").exists():
        complain("The practice providers are part of Kontor's source tree, and this is an installed package.")
        return USAGE
    os.chdir(ROOT)
    # In our place instead of below us, so that whoever ends us ends them.
    command = [sys.executable, "-m", "tests.wire.demo", "--port", str(port)]
    return os.execv(sys.executable, command)  # noqa: S606 - never through a shell
