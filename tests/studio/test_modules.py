"""The page's modules that need no page, tested by Node's own test runner (tests/studio/modules)."""

import shutil
import subprocess
from pathlib import Path

import pytest

MODULES = Path(__file__).parent / "modules"


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node: its tests need version 20 or later")
def test_the_modules_pass_their_own_tests():
    done = subprocess.run(["node", "--test", MODULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
