"""Tests of pages borrow the software passkey of the tests of people."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "people"))
