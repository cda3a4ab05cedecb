"""Pages in Chromium, by Playwright, and axe-core's findings in them."""

from __future__ import annotations

import contextlib
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from commands import LIMIT

VERSION = "4.10.3"


FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@contextlib.contextmanager
def chromium(path: str) -> Iterator:
    """A browser of Playwright, which runs the Chromium at `path` (`needs_chromium`)."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=1000 * LIMIT)
        yield browser
        browser.close()


def load_axe(folder: Path) -> str:
    """The script of axe-core, which the folder keeps once npm got it.

    Raises OSError or subprocess.SubprocessError where npm cannot get it.
    """
    script = folder / f"axe-{VERSION}.min.js"
    if not script.exists():
        with TemporaryDirectory(dir=folder) as temporary:
            command = ["npm", "pack", "--silent", f"axe-core@{VERSION}"]
            subprocess.run(command, cwd=temporary, check=True, capture_output=True, timeout=60)
            with tarfile.open(Path(temporary, f"axe-core-{VERSION}.tgz")) as packed:
                packed.extract("package/axe.min.js", temporary, filter="data")
            Path(temporary, "package", "axe.min.js").replace(script)
    return script.read_text(encoding="utf-8")


def axe_findings(page, script: str) -> list[str]:
    """Serious and critical findings, a line each: the rule, what it says, and where."""
    page.evaluate(script)
    violations = page.evaluate("axe.run().then(({violations}) => violations)")
    return [
        f"{violation['id']}: {violation['help']}: {node['target']}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
