"""The page of the paper's tables is what the data say."""

from __future__ import annotations

from pathlib import Path

from keras_gan.evaluation import published
from reproduce import tables as page

ROOT = Path(__file__).parents[1]


def test_the_page_is_generated():
    assert page.PAGE.read_text() == page.render(), "run: python -m reproduce page"


def test_tables_hold_what_was_published():
    scores = {row.model: (row.mnist, row.tfd) for row in (*published.TABLE_1, *published.LATER)}
    assert str(scores["Adversarial nets"][0]) == "225 ± 2"
    assert str(scores["Stacked CAE"][0]) == "121 ± 1.6"
    assert (scores["AAE"][0].mean, scores["AAE"][1].mean) == (340, 2252)
    lines = page.table_1(
        [*published.TABLE_1, published.Row("ours", published.Score(1.5), None, "-")]
    )
    assert lines.splitlines()[-1] == "| ours | 1.5 |  | - |"
    assert len(lines.splitlines()) == 7
    assert "| Adversarial nets | 225 ± 2 | 2057 ± 26 |" in page.render()


def test_each_check_that_table_2_links_exists():
    checks = [check for row in page.TABLE_2 for check in row.checks]
    assert len(checks) >= 5
    for check in checks:
        file, test = check.split("::")
        assert f"def {test}(" in (ROOT / file).read_text(), check
        assert f"](../{file})" in page.render()
