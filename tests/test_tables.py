"""The page of the paper's tables is what the data say."""

from __future__ import annotations

from pathlib import Path

from keras_gan.evaluation import tables

ROOT = Path(__file__).parents[1]


def test_the_page_is_generated():
    assert (ROOT / "docs" / "tables.md").read_text() == tables.page(), (
        "run: python -m keras_gan.evaluation.tables > docs/tables.md"
    )
