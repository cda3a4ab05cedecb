"""The model card of a preset, in Markdown with the front matter of Hugging Face."""

from __future__ import annotations

import decimal
import json
import re
import shlex
from collections.abc import Iterable
from typing import Any

from keras_gan.reporting.facts import Facts

_TASK = "unconditional-image-generation"
_SCALES = {
    "unit_range": ", pixels from 0 to 1",
    "symmetric_range": ", pixels from -1 to 1",
    "global_contrast": ", each image with mean 0",
}


def write(facts: Facts, config: dict[str, Any], handle: str, license: str) -> str:
    """The text of a card.

    Args:
        facts: Of the preset.
        config: Its configuration.
        handle: The name that loads it.
        license: Identifier of its license on Hugging Face, such as "apache-2.0".
    """
    lines = [
        *_front_matter(facts, license),
        f"# {facts.name}",
        "",
        *_picture(facts, config),
        f"A generative adversarial network, trained with keras_gan on {facts.data or 'own data'}. "
        f"{facts.verdict}",
        "",
        "## Use",
        "",
        "```python",
        "import keras_gan",
        "",
        f"gan = keras_gan.GAN.from_preset({_quoted(handle)})",
        f"images = gan.generate(16, seed=0{_condition(config)})",
        "```",
        "",
        f"The result is float32 {[16, *facts.shape]}"
        f"{_SCALES.get(config['preprocessing']['name'], '')}. Row i depends on the seed, i and its "
        "condition only. From a hub, the name is `hf://USER/REPO` or "
        "`kaggle://USER/MODEL/keras/NAME`.",
        "",
        "```sh",
        "pip install 'keras-gan[serving]'",
        f"keras-gan serve {shlex.quote(handle)}",
        "# then open http://localhost:8501/",
        "```",
        "",
        *_training(facts),
        *_numbers(facts),
        "## Limitations",
        "",
        *_limitations(facts, config),
    ]
    return "\n".join(lines) + "\n"


def _front_matter(facts: Facts, license: str) -> Iterable[str]:
    is_image = len(facts.shape) == 3
    yield from ("---", f"license: {_quoted(license)}", "library_name: keras-gan")
    yield "tags: [keras, keras-gan, gan]"
    if is_image:
        yield f"pipeline_tag: {_TASK}"
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", facts.data):
        yield f"datasets: [{_quoted(facts.data)}]"
    if facts.numbers:
        data = _quoted(facts.data)
        yield from ("model-index:", f"- name: {_quoted(facts.name)}", "  results:")
        yield f"  - task: {{type: {_TASK if is_image else 'other'}}}"
        yield f"    dataset: {{name: {data}, type: {data}}}"
        yield "    metrics:"
    for number in facts.numbers:
        metric = {
            "type": re.sub(r"\W+", "_", number.name.lower()).strip("_"),
            "name": number.name,
            "value": number.value,
            "args": {"floor": number.floor, "protocol": number.protocol},
        }
        yield f"    - {_quoted(metric)}"
    yield from ("---", "")


def _quoted(value: Any) -> str:
    """A value as JSON, which is YAML as well; a string is also one in Python.

    YAML reads 1e-05 as a string: its floats have a point.
    """
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(
        r'"(?:\\.|[^"\\])*"|(?<![\d.])\d(?=e)',
        lambda found: found[0] if found[0].startswith('"') else f"{found[0]}.0",
        text,
    )


def _rounded_up(number: float) -> str:
    """A number rounded up to one digit."""
    up = decimal.Context(prec=1, rounding=decimal.ROUND_UP)
    return f"{float(up.create_decimal(str(number))):g}"


def _picture(facts: Facts, config: dict[str, Any]) -> Iterable[str]:
    if len(facts.shape) == 3:
        classes = (config.get("condition") or {}).get("name") == "classes"
        turn = ", with each class in turn" if classes else ""
        yield from ("![samples](samples.png)", "", f"*Samples with seed 0{turn}.*", "")


def _condition(config: dict[str, Any]) -> str:
    condition = config.get("condition") or {}
    if condition.get("name") == "classes":
        return f", condition={min(3, condition['count'] - 1)}"
    return ", condition=..." if condition.get("name") == "vectors" else ""


def _training(facts: Facts) -> Iterable[str]:
    yield from ("## Data", "")
    if facts.provenance:
        yield f"{facts.data}: {facts.provenance}. Fingerprint `{facts.fingerprint}`."
    else:
        yield "The data are not known."
    yield from ("", "## Training", "")
    if facts.command:
        yield from ("```sh", facts.command, "```", "")
    if facts.epochs:
        took = f" in {facts.duration}" if facts.duration else ""
        yield f"{facts.epochs} epochs{took}. Hardware: {'; '.join(facts.devices) or 'unknown'}."
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    yield from (f"Weights of the generator: {facts.weights_in_words}. Software: {versions}.", "")


def _numbers(facts: Facts) -> Iterable[str]:
    yield from ("## Numbers", "")
    if facts.numbers:
        yield "| | samples | training examples in their place | protocol |"
        yield "| --- | --- | --- | --- |"
        for number in facts.numbers:
            floor = number.floor_text or "not measured"
            yield f"| {number.name} | {number.text} | {floor} | {number.protocol} |"
    else:
        yield "Nothing was measured."
    yield ""
    for note in facts.notes:
        yield from (f"- {note}", "")
    if facts.warnings:
        yield from ("## Warnings", "")
        yield from (f"- **{w.name}**: {w.message}. {w.advice}" for w in facts.warnings)
        yield ""


def _limitations(facts: Facts, config: dict[str, Any]) -> Iterable[str]:
    yield (
        "- The model knows its training data only. Its samples have their gaps, their errors and "
        "their bias."
    )
    yield (
        "- A search for copies of training examples, where there was one, looks at some samples. "
        "It cannot rule out copies."
    )
    yield (
        "- Compare numbers only with those of the same data, the same number of samples and the "
        "same features."
    )
    yield (
        "- The weights are stored as float16, which changes a value of a sample by at most "
        f"{_rounded_up(config['preset']['largest_difference'])}."
    )
    yield "- The license of the data may limit what you may do with samples."
