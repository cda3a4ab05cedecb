"""The page of the paper's results says what their JSON files say, and no result is without one."""

from __future__ import annotations

import copy
import dataclasses
import math
import shlex
import tomllib
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from export import saved_model, signatures
from export.subject import Subject
from keras_gan import GAN, InputError, networks, recipes
from keras_gan.data import UnitRange
from keras_gan.experiment import Recipe, TrainingData
from reproduce import __main__ as command
from reproduce import (
    cifar10,
    efficiency,
    experiments,
    lines,
    page,
    results,
    runs,
    summary,
    variants,
)

FOUND = results.load()


def test_the_page_is_generated():
    assert page.PAGE.read_text(encoding="utf-8") == page.render(FOUND), (
        "run: python -m reproduce page"
    )


def test_the_page_has_a_table_of_all_at_a_glance():
    text = page.PAGE.read_text(encoding="utf-8")
    (digits,) = (result for result in FOUND if named(result) == "digits")
    row = digits["rows"][0]
    assert f"| {row['mean']:.1f} ± {row['standard_error']:.1f} | {row['recall']:.2f} | " in text


def named(result: dict) -> str:
    return result["result"]


@pytest.mark.parametrize("result", FOUND, ids=named)
def test_each_number_of_a_result_is_on_the_page(result):
    before = page.render([result])
    for index, row in enumerate(result["rows"]):
        for column, value in row.items():
            if isinstance(value, int | float):
                other = copy.deepcopy(result)
                other["rows"][index][column] = 2 * value + 1
                assert page.render([other]) != before, f"row {index}, {column}"


@pytest.mark.parametrize("result", FOUND, ids=named)
def test_a_result_says_how_it_was_made(result):
    assert result["command"].startswith("python -m reproduce ")
    options = command.parser().parse_args(shlex.split(result["command"])[3:])
    assert named(result).startswith(options.result)
    assert result["command"] in page.PAGE.read_text(encoding="utf-8")
    assert {"python", "tensorflow", "keras", "numpy"} <= set(result["versions"])
    if result["rows"]:
        assert result["seeds"][0] == options.seed
        assert result["protocol"]
        assert result["seconds"] > 0
        assert {"processor", "cores", "memory_gib", "load"} == set(result["machine"])
    else:
        assert result["needs"]
    for picture in result["pictures"]:
        assert (results.ROOT / "docs" / picture).is_file(), picture


def test_the_error_of_classes_is_on_the_page():
    found = {"test_error": 0.1234, "standard_error": 0.0056, "images": 10_000, "labels": 100}
    result = {"title": "T", "command": "c", "rows": [], "pictures": []}
    text = page.render([{**result, "result": "r", "classification": found}])
    assert "12.34% ± 0.56% of 10,000 test images incorrectly, with 100 labels" in text
    assert "classification" in experiments._MEASURES


def test_a_table_leaves_out_empty_columns():
    rows = [
        {"samples": "images", "epoch": "", "mean": 243.44, "refined": ""},
        {"samples": "centroids", "epoch": "", "mean": 334.7, "refined": 335.0},
    ]
    assert page.table(rows).splitlines() == [
        "| samples | nats | refined |",
        "| --- | --- | --- |",
        "| images | 243.4 |  |",
        "| centroids | 334.7 | 335.0 |",
    ]


def test_the_curve():
    metrics = {
        "epoch": [0.0, 1.0, 2.0, 3.0],
        "val_log_likelihood": [math.nan, 5.04, math.nan, -1.0],
        "val_log_likelihood_ema": [math.nan, 7.0, math.nan, 9.0],
    }
    assert runs.curve(metrics) == [
        {"epoch": 2, "raw": 5.0, "ema": 7.0},
        {"epoch": 4, "raw": -1.0, "ema": 9.0},
    ]


def test_tfd_gives_commands_and_no_number(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    experiments.tfd()
    (found,) = results.load(tmp_path / "results")
    assert found["rows"] == []
    assert all(line in page.render([found]) for line in found["commands"])


def test_bad_input_is_one_line(capsys):
    assert command.main(["parzen_sanity", "--run-dir", "runs/x"]) == 2
    assert "--run-dir is for what trains: digits, mnist, " in capsys.readouterr().err
    assert command.main(["everything"]) == 2
    assert command.main(["parzen_sanity", "--seed", "-1"]) == 2
    assert "--seed: must be from 0 to 4294967295" in capsys.readouterr().err


def test_it_is_not_installed():
    with (results.ROOT / "pyproject.toml").open("rb") as file:
        included = tomllib.load(file)["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.partition(".")[0] for name in included} == {"keras_gan", "export", "serving"}


def weighed(name: str, mean: float, error: float = 2.0) -> dict:
    """A result of one seed, with one row."""
    row = {"samples": "EMA weights, last", "mean": mean, "standard_error": error}
    return {"result": name, "rows": [row]}


def test_our_settings_over_seeds_against_the_recipe():
    seeds = [weighed(f"mnist_tuned_seed{i}", mean) for i, mean in enumerate((230.0, 236.0, 233.0))]
    (row,) = summary.over_seeds([*seeds, weighed("mnist_seed0", 224.0)])
    assert (row["seeds"], row["mean"]) == (3, 233.0)
    assert row["standard_error"] == pytest.approx(math.sqrt(3))  # their sd is 3
    assert row["difference"] == pytest.approx(9)
    # over our seeds, and over test examples for both
    assert row["difference_error"] == pytest.approx(math.sqrt(3 + 4 + 4))
    (alone,) = summary.over_seeds(seeds[:1])
    assert (alone["standard_error"], alone["difference"]) == (2.0, "")
    assert summary.over_seeds([weighed("mnist_seed0", 224.0)]) == []
    for result, recall in zip(seeds, (0.0, 0.4, ""), strict=True):  # collapsed, good, not measured
        result["rows"][0]["recall"] = recall
    assert summary.over_seeds(seeds)[0]["recall"] == pytest.approx(0.2)


@dataclasses.dataclass(frozen=True)
class TinySettings(recipes.get("digits").settings):
    """Those of `digits`, with a rough estimate of the likelihood."""

    ema_momentum: float = 0.9
    likelihood_samples: int = 50


def build_tiny(settings, examples):
    """Networks that learn nothing much, in no time."""
    generator = networks.mlp_generator(
        settings.latent_dim,
        examples.shape,
        hidden=[(4, "relu")] * 2,
        output_activation="sigmoid",
        seed=settings.seed,
    )
    discriminator = networks.maxout_discriminator(examples.shape, units=4, seed=settings.seed + 1)
    gan = GAN(generator, discriminator, settings.make_prior(), seed=settings.seed, ema=settings.ema)
    return gan, settings.compile_arguments(examples, settings.loss)


TINY = Recipe("tiny", types.SimpleNamespace(Settings=TinySettings, build=build_tiny), "tiny")
EXAMPLES = np.full((2, 8, 8, 1), 0.2, np.float32)


def built(recipe: Recipe, line: lines.Variant, examples: np.ndarray = EXAMPLES) -> GAN:
    settings = recipe.settings(**line.settings)
    return (line.build or recipe.build)(settings, TrainingData.of(settings, examples))[0]


def test_variants_leave_a_line_each_and_make_none_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    to_completion = lines.Variant(
        "to completion", {"discriminator_steps": 3}, share=1 / 2, examples=100
    )
    few = (
        lines.Variant("the recipe"),
        lines.Variant("minimax", {"loss": "minimax"}),
        lines.Variant("k = 2", {"discriminator_steps": 2}, share=1 / 2),
        to_completion,
    )
    variants.measure("variants", 0, 1, TINY, lambda recipe: few[:2])
    (before,) = results.load(tmp_path)
    variants.measure("variants", 0, 1, TINY, lambda recipe: few)
    (found,) = results.load(tmp_path)
    assert found["rows"][:2] == before["rows"]
    assert [row["variant"] for row in found["rows"]] == [line.name for line in few]
    # 1,439 images in minibatches of 50; 100 images do not fill a step of 3 x 50, so they come twice
    assert [row["updates"] for row in found["rows"]] == [28, 28, 14, 14]
    assert [row["shown"] for row in found["rows"]] == [1400, 1400, 1400, 2100]
    for row in found["rows"]:
        assert row["jsd_bound"] == pytest.approx((row["value"] + math.log(4)) / 2, abs=1e-5)
        assert all(math.isfinite(value) for name, value in row.items() if name != "variant")
    recipe, minimax = found["rows"][:2]
    assert recipe["raw"] != minimax["raw"]
    assert "| to completion | 14 | 2,100 |" in page.render([found])
    with pytest.raises(InputError, match="lines of another length or seed"):
        variants.measure("variants", 0, 2, TINY, lambda recipe: few)


def test_the_variants_differ_from_the_recipe_in_one_thing():
    one, *others = variants.settings(recipes.get("mnist"))
    assert one == lines.Variant(one.name)
    for variant in others:
        recipes.get("mnist").settings(**variant.settings)
        assert len(variant.settings) == 1 or variant.examples
        k = variant.settings.get("discriminator_steps", 1)
        assert variant.share == pytest.approx(1 if "updates of G" in variant.name else 1 / k)


def test_the_hypotheses_differ_from_the_recipe_in_one_thing():
    recipe = recipes.get("digits")
    one, *others = variants.hypotheses(recipe)
    assert one == lines.Variant(one.name)
    assert len({line.name for line in others}) == len(others)

    def pair(line: lines.Variant) -> list[keras.Model]:
        gan = built(recipe, line)
        return [gan.generator, gan.discriminator]

    def rates(network: keras.Model) -> list[float]:
        return [layer.rate for layer in network.layers if "drop" in layer.name]

    plain = pair(one)
    differences = []
    for line in others:
        assert (line.share, line.examples) == (1, None)
        for network, before in zip(pair(line), plain, strict=True):
            weights = zip(network.get_weights(), before.get_weights(), strict=True)
            factors = {
                round(float(np.linalg.norm(new) / np.linalg.norm(old)), 4)
                for new, old in weights
                if np.any(old)
            }
            if factors != {1.0} or rates(network) != rates(before):
                differences.append((line.name, before.name, factors, rates(network)))
    # G's biases, but for the output's, and all of D's start at 0.
    assert differences == [
        (others[0].name, "generator", {0.1, 1.0}, []),
        (others[1].name, "discriminator", {10.0}, [0.2, 0.5, 0.5]),
        (others[2].name, "generator", {1.0, 0.0}, []),
        (others[3].name, "discriminator", {1.0}, [0.0, 0.5, 0.5]),
        (others[4].name, "discriminator", {1.0}, [0.2, 0.5, 0.0]),
    ]
    settings = [line.settings for line in others[5:]]
    assert settings[:2] == [{"momentum": 0.7}, {"momentum": 0.9, "final_momentum": 0.9}]
    divisor = settings[2]["learning_rate_divisor"]
    assert divisor == pytest.approx(math.exp(50 * math.log(1.000004)), rel=1e-12)
    assert [line.shuffled for line in others] == [True] * 8 + [False]


def test_a_line_may_keep_one_order_of_minibatches():
    def learned(shuffled: bool) -> np.ndarray:
        line = lines.Variant("a line", shuffled=shuffled)
        game = lines.train(line, TINY, TINY.load_data(TinySettings()), 28, 0)
        return game.gan.discriminator.get_weights()[0]

    ordered = learned(False)
    np.testing.assert_array_equal(learned(False), ordered)
    assert np.abs(learned(True) - ordered).max() > 1e-7


def test_the_table_of_efficiency_goes_on_where_it_was_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(results, "PICTURES", tmp_path / "docs" / "pictures")
    made = []

    def train(variant, *arguments):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(variant.name)
        return lines.train(variant, *arguments)

    monkeypatch.setattr(efficiency, "train", train)
    monkeypatch.setattr(efficiency, "_OTHER_SEEDS", 1)
    few = {
        "the game": [lines.Variant("k = 2", {"discriminator_steps": 2})],
        "G": efficiency.factors(TINY)["G's higher layers"][1:],
    }
    with pytest.raises(KeyboardInterrupt):
        efficiency.measure(0, 1, TINY, few, every=14)
    (before,) = results.load(tmp_path)
    monkeypatch.setattr(efficiency, "train", lines.train)
    efficiency.measure(0, 1, TINY, few, every=14)
    (found,) = results.load(tmp_path)
    rows = found["rows"]
    for row, one in zip(before["rows"], rows, strict=False):
        assert one == {**one, **row}
    names = ["the recipe", "k = 2", few["G"][0].name]
    paces = {row["variant"]: row["milliseconds"] for row in rows}
    assert min(paces.values()) > 0
    assert [row["milliseconds"] for row in rows] == [paces[row["variant"]] for row in rows]
    best = efficiency.best(rows[:3])
    assert set(best) == set(names[1:])
    expected = [(name, 0) for name in names]
    expected += [(name, 1) for name in ("the recipe", *best)]
    assert [(row["variant"], row["seed"]) for row in rows] == expected
    for row in rows:
        # 1,439 images in minibatches of 50, or in pairs of them
        assert [look["updates"] for look in row["looks"]] == [14, 28]
        assert [look["seconds"] for look in row["looks"]] == sorted(
            look["seconds"] for look in row["looks"]
        )
        assert (row["updates"], row["seconds"]) == (28, row["looks"][1]["seconds"])
        assert (row["raw"], row["ema"]) == tuple(row["looks"][1][kind] for kind in ("raw", "ema"))
    # On some processors G collapses, and all its samples have the same likelihood.
    assert len({(row["raw"], row["ema"]) for row in rows}) >= len(rows) - 1
    assert (tmp_path / "docs" / found["pictures"][0]).is_file()
    text = page.render([found])
    assert "| k = 2 | 0 | 28 |" in text
    assert "looks" not in text.partition("Recipe `tiny`")[0]
    with pytest.raises(InputError, match="lines of another length or seed"):
        efficiency.measure(1, 1, TINY, few, every=14)


def test_the_lines_of_efficiency_differ_from_the_recipe_in_one_thing():
    recipe = recipes.get("mnist")
    found = [line for changed in efficiency.factors(recipe).values() for line in changed]
    assert len({line.name for line in found}) == len(found) == 14
    for line in found:
        assert line.build or recipe.settings(**line.settings) != recipe.settings()
        assert (line.share, line.examples) == (1, None)
        assert len(line.settings) == 1 or line.build
    rates = [line.settings for line in efficiency.factors(recipe)["learning rates"]]
    assert [rate for of_line in rates for rate in of_line.values()] == [0.05, 0.2, 0.05, 0.2]


@pytest.mark.parametrize(("place", "latents", "inputs"), [(0, 32, (4, 4)), (1, 96, (36, 36))])
def test_generators_with_noise_in_their_higher_layers(place, latents, inputs, tmp_path):
    line = efficiency.factors(TINY)["G's higher layers"][place]
    gan = built(TINY, line, np.zeros((2, 8, 8, 1), np.float32))
    generator, discriminator, prior = gan.generator, gan.discriminator, gan.prior
    plain = built(TINY, lines.Variant("the recipe"), np.zeros((2, 8, 8, 1), np.float32)).generator
    assert generator.input_shape == (None, latents)
    shapes = [weight.shape for weight in generator.get_weights()[::2]]
    assert shapes == [(32, 4), (inputs[0], 4), (inputs[1], 64)]
    np.testing.assert_array_equal(generator.get_weights()[0], plain.get_weights()[0])
    z = prior.sample(6, seed=3).numpy()
    once, again = (generator(z).numpy() for _ in range(2))
    np.testing.assert_array_equal(once, again)  # a function of z
    generator.save(tmp_path / "g.keras")
    loaded = keras.saving.load_model(tmp_path / "g.keras")
    np.testing.assert_array_equal(loaded(z), once)
    if place == 0:
        np.testing.assert_array_equal(once, plain(z))
        assert np.abs(generator(z, training=True) - once).max() > 0
    else:
        for part in range(3):  # each third of z matters, and the first as in the recipe
            moved = z.copy()
            moved[:, 32 * part : 32 * part + 32] *= -1
            assert np.abs(generator(moved) - once).max() > 0
    subject = Subject(generator, discriminator, prior, UnitRange())
    saved_model.write(tmp_path / "saved", signatures.of(subject, ["sample"]))
    sample = tf.saved_model.load(str(tmp_path / "saved")).signatures["sample"]
    given = sample(seed=tf.constant([5, 6], tf.int64))
    expected = generator(given["latents"])
    np.testing.assert_allclose(given["images"], expected, atol=1e-6)


def test_when_a_level_is_reached_and_who_is_best():
    looks = [
        {"updates": 500, "ema": None},
        {"updates": 1000, "ema": 99.9},
        {"updates": 1500, "ema": 150.0},
        {"updates": 2000, "ema": 90.0},
    ]
    assert efficiency.first_at(looks, 100) == 1500
    assert efficiency.first_at(looks, 90) == 1000
    assert efficiency.first_at(looks, 151) is None
    columns = ("variant", "seed", "seconds_until_150", "ema")
    rows = [
        ("the recipe", 0, 1.0, 300.0),
        ("not finite", 0, None, None),
        ("never", 0, None, 149.0),
        ("slow", 0, 90.0, 200.0),
        ("never, and worse", 0, None, 140.0),
        ("never", 1, 0.5, 300.0),
    ]
    rows = [dict(zip(columns, row, strict=True)) for row in rows]
    assert efficiency.best(rows) == ["slow", "never"]
    assert page.table([{"ema": None, "seed": 0}]).splitlines()[-1] == "| none | 0 |"


COLOURS = """
import dataclasses
import keras_gan
from keras_gan import experiment, networks
from keras_gan.recipes.settings import LatentSettings, LossSettings, MomentumSettings

@dataclasses.dataclass(frozen=True)
class Settings(LossSettings, MomentumSettings, LatentSettings, experiment.Settings):
    latent_dim: int = 3
    epochs: int = 300
    likelihood_every: int = 0

def build(settings, data):
    generator = networks.mlp_generator(
        3, data.shape, hidden=[(4, "relu")], seed=settings.seed, output_activation="sigmoid"
    )
    discriminator = networks.maxout_discriminator(
        data.shape, units=4, pieces=2, depth=1, seed=settings.seed + 1
    )
    gan = keras_gan.GAN(generator, discriminator, settings.make_prior(), seed=settings.seed)
    return gan, settings.compile_arguments(data, settings.loss)
"""


def test_what_a_recipe_without_a_likelihood_costs(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(results, "keep_picture", lambda source, name: f"pictures/{name}")
    (tmp_path / "colors.py").write_text(COLOURS)
    path = str(tmp_path / "run")
    recipe = str(tmp_path / "colors.py")
    cifar10.measure(recipe, 0, 2, path, "JPEG copy", "mixed_bfloat16")
    (found,) = results.load(tmp_path / "results")
    (row,) = found["rows"]
    assert (row["epochs"], row["all_epochs"]) == (2, 300)
    assert row["generator_parameters"] == 3 * 4 + 4 + 4 * 64 + 64
    assert row["discriminator_parameters"] == 64 * 8 + 8 + 4 + 1
    # Simultaneous: D's own part and G's, in products of two operations each.
    g, d = [12, 256], [512, 4]
    own = sum(g) + 2 * sum(d) + 2 * (2 * sum(d) - d[0])
    flops = 2 * (own + sum(d) + 2 * sum(g) - g[0])
    assert row["gflop_per_image"] == pytest.approx(flops / 1e9)
    hours = 300 * 1400 * flops / cifar10.GPU_FLOPS / 3600
    assert row["estimated_gpu_hours"] == pytest.approx(hours)
    assert row["images_per_second"] * row["seconds_per_epoch"] == pytest.approx(1400)
    assert [entry["epoch"] for entry in found["losses"]] == [1, 2]
    text = page.render([found])
    assert "epoch 2, mixed_bfloat16, JPEG copy" in text
    assert found["command"].endswith(
        "--epochs 2 --precision mixed_bfloat16 --data-note 'JPEG copy'"
    )
    assert "*estimate*" in text
    assert "It assumes a GPU that keeps up 10 TFLOP/s" in text
    assert found["pictures"] == ["pictures/colors_figure_2.png"]


def test_the_page_has_the_recipe_and_our_settings_next_to_what_was_published():
    recipe = weighed("mnist_seed0", 224.04)
    recipe |= {"protocol": {"run": {"epochs": 1000}}, "seeds": [0], "command": "the command"}
    recipe["rows"][0]["epoch"] = 985
    tuned = [weighed(f"mnist_tuned_seed{i}", mean) for i, mean in enumerate((230.0, 236.0))]
    rows = summary.at_a_glance([recipe, *tuned])
    assert [(row["samples"], row["nats"]) for row in rows[-3:]] == [
        ("MNIST, published: Adversarial nets", "225 ± 2"),
        (
            "MNIST, the paper's recipe, 1,000 epochs, seed 0: EMA weights, last, epoch 985",
            "224.0 ± 2.0",
        ),
        ("MNIST, our settings, 2 seeds: EMA weights, last", "233.0 ± 3.0"),
    ]
