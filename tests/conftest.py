"""Shared by all tests: devices, tools and data, and the list of tests that were not run."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's keras.json says
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as in the commands, which some tests start
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # in all processes, on any processor

import pytest
import tensorflow as tf
from browsing import chromium, load_axe

# Strategies need several devices, and TensorFlow counts its devices once per process. They share
# one thread pool, so that a test which uses only the first runs as fast as with one.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 4
)

# If set, as in continuous integration, tests are skipped only for want of data, or of rights that a
# container may lack.
TOOLS_REQUIRED = os.environ.get("KERAS_GAN_REQUIRE_TOOLS") == "1"
# Files that take long begin first, so that no worker is left alone with one at the end.
LONG = {
    *("documentation", "figure_1", "multi_worker", "dynamics", "gaussian_recipes", "fuzz"),
    *("readme", "packaging", "distribution", "static_shapes", "survival", "train"),
    "training_edges",
}
NEEDS_MNIST = "needs TFDS_DATA_DIR with mnist prepared"
NEEDS_MOUNT = "needs the right to mount a file system"


@pytest.fixture(scope="session")
def needs_chromium() -> str:
    """The path of Chromium; skips the test where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("needs Chromium (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def browser(needs_chromium: str) -> Iterator:
    """A browser of Playwright; not for the session, as its loop keeps asyncio from running."""
    with chromium(needs_chromium) as browser:
        yield browser


@pytest.fixture(scope="session")
def needs_node() -> str:
    """The path of Node.js, if npm is there too; skips the test where there is none."""
    if (path := shutil.which("node")) and shutil.which("npm"):
        return path
    pytest.skip("needs Node.js and npm (Debian: apt-get install nodejs npm)")


@pytest.fixture(scope="session")
def axe(needs_node: str, pytestconfig: pytest.Config) -> str:
    """The script of axe-core, for `axe_findings`; skips the test where npm cannot get it."""
    try:
        return load_axe(pytestconfig.cache.mkdir("axe"))
    except (OSError, subprocess.SubprocessError):
        pytest.skip("needs axe-core from npm's registry")


@pytest.fixture(scope="session")
def needs_mnist() -> Path:
    """The TFDS data directory that holds MNIST; skips the test where there is none."""
    folder = Path(os.environ.get("TFDS_DATA_DIR", ""))
    if "TFDS_DATA_DIR" in os.environ and (folder / "mnist").is_dir():
        return folder
    pytest.skip(NEEDS_MNIST)


@pytest.fixture(autouse=True, scope="session")
def decoded_pictures(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Pictures are decoded into a folder of the tests, not into the user's cache."""
    os.environ["KERAS_GAN_CACHE"] = str(tmp_path_factory.mktemp("decoded"))


@pytest.fixture(autouse=True)
def every_processor_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes compute in float32 on every processor, also on those that have bfloat16."""
    for recipe in ("mnist_10k", "pictures"):
        monkeypatch.setattr(f"keras_gan.recipes.{recipe}.bfloat16_is_native", lambda: False)


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strategies find two devices: a step of theirs is traced in half the time of four."""
    devices = tf.config.list_logical_devices("CPU")[:2]
    monkeypatch.setattr(
        tf.config,
        "list_logical_devices",
        lambda device_type=None: devices if device_type in (None, "CPU") else [],
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB; skips the test where none may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(NEEDS_MOUNT)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test was skipped, from pytest's (file, line, "Skipped: why")."""
    return report.longrepr[2].removeprefix("Skipped: ")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem.removeprefix("test_") not in LONG)


def pytest_collection_finish() -> None:
    # All that is loaded stays: looking through it for garbage took 2 % of the tests' time.
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Turns a skip that is not allowed into a failure."""
    report = yield
    refused = TOOLS_REQUIRED and report.skipped and not hasattr(report, "wasxfail")
    if refused and reason(report) not in (NEEDS_MNIST, NEEDS_MOUNT):
        report.longrepr = f"not run, though KERAS_GAN_REQUIRE_TOOLS=1: {reason(report)}"
        report.outcome = "failed"
    return report


pytest_make_collect_report = pytest_runtest_makereport  # a whole file may be skipped


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tests_by_reason = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        tests_by_reason[reason(report)].append(report.nodeid)
    if tests_by_reason:
        terminalreporter.section("not run, and why")
    for why, tests in sorted(tests_by_reason.items()):
        terminalreporter.line(f"{why}: {len(tests)}")
        for name in dict.fromkeys(test.partition("[")[0] for test in tests):
            terminalreporter.line(f"    {name}")
