"""The page of the paper's tables is what the data say, and each check that it links exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_gan.evaluation import tables

ROOT = Path(__file__).parents[1]


def test_the_page_is_generated():
    assert (ROOT / "docs" / "tables.md").read_text() == tables.page(), (
        "run: python -m keras_gan.evaluation.tables > docs/tables.md"
    )


@pytest.mark.parametrize("check", [c for row in tables.TABLE_2 for c in row.checks])
def test_a_linked_check_exists(check):
    file, name = check.split("::")
    assert f"def {name}(" in (ROOT / file).read_text()
