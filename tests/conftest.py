"""What all tests share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of the test's own, as pytest's, but with a short path: an Asterisk's control socket must fit inside."""
    with tempfile.TemporaryDirectory(prefix="oc-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
