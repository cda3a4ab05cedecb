"""What several results say together: our settings over seeds, and the table at a glance."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from keras_gan.evaluation import published

_SANITY = "parzen_sanity"


def over_seeds(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Our settings for MNIST's networks against the recipe's, one row for each kind of weights.

    The standard error of a mean over seeds is over seeds; of a single seed it is the one over test
    examples. That of a difference takes all of them: over seeds, where there are several, and over
    test examples, as if those of both were others.

    Returns:
        Rows with "samples", "seeds", "mean", "standard_error", "difference" to the recipe's mean
        and "difference_error", all nats, and "recall"; "" where there is no recipe, no recall.
    """
    rows = []
    tuned, paper = (_by_weights(found, f"{recipe}_seed") for recipe in ("mnist_tuned", "mnist"))
    for samples, own in tuned.items():
        mean, error = _mean(own)
        row = {"samples": samples, "seeds": len(own), "mean": mean, "standard_error": error}
        row |= {"difference": "", "difference_error": ""}
        recalls = [one["recall"] for one in own if one.get("recall", "") != ""]
        row["recall"] = statistics.mean(recalls) if recalls else ""
        if samples in paper:
            other, _ = _mean(paper[samples])
            errors = [*_errors(own), *_errors(paper[samples])]
            row |= {"difference": mean - other, "difference_error": math.hypot(*errors)}
        rows.append(row)
    return rows


def _by_weights(found: Sequence[dict[str, Any]], prefix: str) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for result in found:
        if result["result"].startswith(prefix):
            for row in result["rows"]:
                rows.setdefault(row["samples"], []).append(row)
    return rows


def _mean(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    if len(rows) == 1:
        return rows[0]["mean"], rows[0]["standard_error"]
    means = [row["mean"] for row in rows]
    return statistics.mean(means), statistics.stdev(means) / math.sqrt(len(means))


def _errors(rows: Sequence[dict[str, Any]]) -> list[float]:
    """Standard errors of a mean: over test examples and, of several seeds, over these."""
    over_test = math.sqrt(statistics.mean(row["standard_error"] ** 2 for row in rows))
    return [over_test, _mean(rows)[1]] if len(rows) > 1 else [over_test]


def at_a_glance(found: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Table 1 as published, as we have it, and what says how to read it; then the digits."""
    rows = [
        {"samples": f"MNIST, published: {row.model}", "nats": f"{row.mnist}"}
        | {"recall": "", "command": ""}
        for row in published.TABLE_1
    ]
    for result in found:
        if result["result"].startswith("mnist_seed"):
            epochs, seed = result["protocol"]["run"]["epochs"], result["seeds"][0]
            rows += _rows(result, f"MNIST, the paper's recipe, {epochs:,} epochs, seed {seed}")
    command = "python -m reproduce mnist_tuned --seed 0"
    rows += [
        {
            "samples": f"MNIST, our settings, {_seeds(row['seeds'])}: {row['samples']}",
            "nats": _nats(row),
            "recall": row["recall"],
            "command": f"`{command}`, and the other seeds",
        }
        for row in over_seeds(found)
    ]
    for name, exactly in (
        ("MNIST, with classes", "mnist_conditional"),
        ("MNIST", _SANITY),
        ("Digits", "digits"),
    ):
        for result in found:
            if result["result"] == exactly:
                rows += _rows(result, name)
    return rows


def _seeds(number: int) -> str:
    return "one seed" if number == 1 else f"{number} seeds"


def _rows(result: dict[str, Any], name: str) -> list[dict[str, str]]:
    return [
        {
            "samples": f"{name}: {row['samples']}"
            + (f", epoch {row['epoch']:,}" if row.get("epoch") else ""),
            "nats": _nats(row),
            "recall": row.get("recall", ""),
            "command": f"`{result['command']}`",
        }
        for row in result["rows"]
    ]


def _nats(row: dict[str, Any]) -> str:
    return f"{row['mean']:.1f} ± {row['standard_error']:.1f}"
