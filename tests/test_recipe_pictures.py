"""The recipe for a user's own pictures: what it chooses, and pictures of an odd kind."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan import GAN, InputError, Run, networks, priors, recipes, train
from keras_gan.augmentation import Adaptive
from keras_gan.experiment import TrainingData, speed
from keras_gan.optimizers.schedules import counting_images
from keras_gan.recipes import pictures


def data_of(shape=(16, 16, 3), size=1000, labels=None, names=None):
    settings = pictures.Settings(batch_size=8)
    examples = np.zeros((24, *shape), np.float32)
    return TrainingData.of(settings, examples, labels, size=size, label_names=names)


def resolved(data=None, **settings):
    return pictures.Settings(**settings).resolve(data or data_of())


@pytest.mark.parametrize(
    ("preprocessing", "activation"),
    [("unit_range", "sigmoid"), ("symmetric_range", "tanh"), ("global_contrast", "linear")],
)
def test_the_output_fits_the_scale_of_the_data(preprocessing, activation):
    settings = resolved(images=1, preprocessing=preprocessing, networks="dcgan")
    gan, _ = pictures.build(settings, data_of())
    assert gan.generator.get_layer("images").activation.__name__ == activation


def test_lengths_follow_the_budget(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "seconds_per_step", lambda *_: 0.5)
    chosen = resolved(budget="10m", batch_size=50)
    assert chosen.images == 60_000  # 1,200 steps of 50
    assert chosen.epochs == 20  # of three passes
    assert chosen.learning_rate_decay == 60_000
    assert chosen.burn_in == 6_000
    out = capsys.readouterr().out
    assert "1,200 steps, 60 times all pictures, in --budget 10m" in out
    assert "2,000 steps take --budget 17m" in out  # 1,000 s
    assert resolved(quick=True, batch_size=50).images == 12_000


def test_several_updates_of_d_use_the_whole_budget(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "seconds_per_step", lambda *_: 0.5)
    chosen = resolved(budget="10m", batch_size=50, discriminator_steps=2)
    assert chosen.images == 120_000  # 1,200 steps of twice 50
    assert chosen.epochs * chosen.steps_per_epoch(chosen.examples_per_epoch(1000)) == 1_200
    assert "a step with 100 pictures" in capsys.readouterr().out


def test_self_modulation_is_of_dcgan():
    small = {"images": 1, "width": 8, "blocks": 0, "precision": "float32"}
    settings = resolved(**small, networks="dcgan")
    assert settings.self_modulation
    generator = pictures.build(settings, data_of((8, 8, 3)))[0].generator
    assert generator.get_layer("modulation")
    settings = resolved(**small, networks="dcgan", self_modulation=False)
    generator = pictures.build(settings, data_of((8, 8, 3)))[0].generator
    assert "modulation" not in [layer.name for layer in generator.layers]
    assert not resolved(**small, networks="r3gan").self_modulation


def test_groups_whose_standard_deviation_d_sees():
    small = {"images": 1, "width": 8, "blocks": 0, "precision": "float32"}

    def groups(size=1000, **chosen):
        data = data_of((8, 8, 3), size=size)
        settings = resolved(data, **small, **chosen)
        layers = pictures.build(settings, data)[0].discriminator.layers
        found = [layer.group for layer in layers if layer.name == "minibatch_std"]
        assert found == [settings.minibatch_std] * (settings.minibatch_std > 1)
        return settings.minibatch_std

    assert groups() == 4
    assert groups(batch_size=30) == 2
    assert groups(size=15) == 1  # of minibatches of 15
    assert groups(minibatch_std=8) == 8
    assert groups(minibatch_std=1) == 1
    assert resolved(**small, networks="r3gan").minibatch_std == 1
    with pytest.raises(InputError, match=r"must divide the batch size, 30\. Received: 4"):
        groups(batch_size=30, minibatch_std=4)


def test_few_pictures_are_said_to_be_few(capsys):
    for size, init, said in [(99, "", True), (100, "", False), (99, "runs/similar", False)]:
        resolved(data_of(size=size), images=1, precision="float32", init=init)
        assert (f"{size} pictures are few" in capsys.readouterr().out) == said


@pytest.mark.parametrize("size", [10, 48, 63, 64, 127, 1000, 1601, 5000])
def test_epochs_of_few_pictures_are_several_passes_and_use_the_whole_budget(monkeypatch, size):
    """Each ends with a checkpoint, and pictures that fill no step are few."""
    monkeypatch.setattr(pictures, "seconds_per_step", lambda *_: 0.1)
    chosen = resolved(data_of(size=size), budget="1h", width=8)
    of_epoch = chosen.examples_per_epoch(size)
    assert of_epoch % size == 0
    steps = of_epoch // chosen.batch_size
    assert steps >= pictures.LEAST_STEPS - 1
    assert chosen.epochs * steps == pytest.approx(36_000, rel=0.02)


def test_a_short_budget_gets_narrower_networks(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "seconds_per_step", lambda _, settings, __: settings.width / 50)
    data = data_of((32, 32, 3))
    full = resolved(data, budget="20m")  # 3,750 steps
    assert full.width == 512 // 32
    assert (out := capsys.readouterr().out).count("timing") == 1
    assert "rough" not in out
    short = resolved(data, budget="160s")  # 500 steps, a quarter of enough
    assert short.width == full.width // 2
    assert short.images == 1_000 * 32
    assert "width 16 takes" in (out := capsys.readouterr().out)
    assert "width 8 takes" in out
    assert "2,000 steps take --budget 11m" in out  # 640 s: of the width that this time would get
    assert resolved(data, budget="11m").width == full.width
    assert resolved(data, budget="2s").width == pictures.LEAST_WIDTH
    assert resolved(data, budget="2s", width=40).width == 40


def test_a_long_budget_gets_wider_networks_and_lower_rates(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "seconds_per_step", lambda _, settings, __: settings.width / 50)
    data = data_of((32, 32, 3), size=40_000)
    hours = 4 * 0.32 * pictures.MANY_STEPS / 3600  # four times as many steps of width 16
    long = resolved(data, budget=f"{hours:.3f}h")
    assert long.width == 40  # 16 * 4**(2 / 3)
    assert long.generator_learning_rate == pytest.approx(1e-3 * 16 / 40)
    assert "width 16: there is time for wider ones; trying width 40" in capsys.readouterr().out
    given = resolved(data, budget=f"{hours:.3f}h", generator_learning_rate=2e-4)
    assert given.generator_learning_rate == 2e-4
    assert resolved(data, budget=f"{hours:.3f}h", width=16).width == 16
    of_r3gan = resolved(data, budget="1000d", networks="r3gan")
    assert of_r3gan.width == pictures.WIDTH_R3GAN  # not measured
    assert resolved(data, images=10**7).width == 16  # no time was named
    assert resolved(data_of((32, 32, 3)), budget="30d").width == 16  # nor of few pictures


def test_precisions_are_timed_once(monkeypatch, capsys):
    timed = []

    def time(_, settings, __):
        timed.append(settings.precision)
        return {"float32": 0.2, "mixed_bfloat16": 0.1}[settings.precision]

    monkeypatch.setattr(pictures, "seconds_per_step", time)
    monkeypatch.setattr(pictures, "bfloat16_is_native", lambda: True)
    assert resolved(budget="25m").images == 15_000 * 32
    assert timed == ["float32", "mixed_bfloat16"]


def test_wider_networks_are_timed_in_each_precision(monkeypatch, capsys):
    """Width 16 is as fast in float32 here, wider networks are slower."""
    times = {"float32": 0.0005, "mixed_bfloat16": 0.0004}

    def time(_, settings, __):
        return 0.1 if settings.width == 16 else times[settings.precision] * settings.width**1.5

    monkeypatch.setattr(pictures, "seconds_per_step", time)
    monkeypatch.setattr(pictures, "bfloat16_is_native", lambda: True)
    data = data_of((32, 32, 3), size=40_000)
    chosen = resolved(data, budget="95m")
    assert (chosen.width, chosen.precision) == (32, "mixed_bfloat16")
    assert chosen.images == int(95 * 60 / (0.0004 * 32**1.5)) * 32
    assert resolved(data, budget="95m", width=16).precision == "float32"


@pytest.mark.parametrize(("kind", "default"), [("dcgan", 32), ("r3gan", 64)])
def test_the_size_of_a_minibatch_is_that_of_the_networks_unless_given(kind, default):
    chosen = resolved(networks=kind, images=300)
    assert chosen.batch_size == default
    assert chosen.steps_per_epoch(1000) == 1000 // default
    assert resolved(networks=kind, images=300, batch_size=50).batch_size == 50
    assert resolved(data_of(size=20), networks=kind, images=300).batch_size == 20


def test_less_time_than_an_epoch_takes_is_spent_on_a_part_of_the_pictures(tmp_path, capsys):
    assert resolved(images=300).examples_per_epoch(1000) == 300
    assert resolved(images=3000).examples_per_epoch(1000) == 1000
    assert resolved(epochs=1).examples_per_epoch(1000) == 1000
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1)).astype(np.uint8)
    np.save(tmp_path / "pictures.npy", pixels)
    arguments = ["--dataset", str(tmp_path / "pictures.npy"), "--batch-size", "8", "--width", "2"]
    assert train.main([*arguments, "--images", "16", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "2 an epoch x 1 epochs" in out
    assert out.index("48 pictures of 8x8 pixels") < out.index("2 an epoch")


def test_what_was_chosen_stays(monkeypatch):
    def measure(*_):
        raise AssertionError("measured again")

    chosen = resolved(images=5_000)
    monkeypatch.setattr(pictures, "seconds_per_step", measure)
    again = dataclasses.replace(chosen, epochs=0).resolve(data_of())
    assert again == chosen
    assert resolved(epochs=3).images == 3_000


@pytest.mark.parametrize("kind", ["GPU", "CPU"])
def test_where_there_is_bfloat16_the_faster_precision_is_used(monkeypatch, kind):
    times = {"float32": 2.0, "mixed_bfloat16": 1.0}
    monkeypatch.setattr(pictures, "seconds_per_step", lambda _, one, data: times[one.precision])
    assert resolved(images=1).precision == "float32"  # steps of other CPUs are not timed
    if kind == "GPU":
        monkeypatch.setattr(pictures.tf.config, "list_logical_devices", lambda kind: [kind])
    else:
        monkeypatch.setattr(pictures, "bfloat16_is_native", lambda: True)
    assert resolved(images=1).precision == "mixed_bfloat16"
    times["float32"] = 0.5
    assert resolved(images=1).precision == "float32"
    assert resolved(images=1, precision="mixed_bfloat16").precision == "mixed_bfloat16"


def test_bfloat16_is_native_where_its_products_are_faster(monkeypatch):
    assert speed._seconds_of_product(tf.bfloat16) > 0
    times = {tf.bfloat16: 1.0, tf.float32: 2.0}
    monkeypatch.setattr(speed, "_seconds_of_product", times.__getitem__)
    assert speed.bfloat16_is_native()
    times[tf.bfloat16] = 3.0
    assert not speed.bfloat16_is_native()


def test_steps_are_timed_in_the_precision_asked_for():
    seen = []

    def build(settings, data):
        seen.append(keras.config.dtype_policy().name)
        gan = GAN(*networks.for_shape(data.shape, 4, bounded=True), priors.Uniform(4))
        return gan, {"generator_optimizer": "sgd", "discriminator_optimizer": "sgd"}

    settings = dataclasses.replace(resolved(images=1, width=8, blocks=0), batch_size=2)
    settings = dataclasses.replace(settings, precision="mixed_bfloat16")
    assert pictures.seconds_per_step(build, settings, data_of((8, 8, 3))) > 0
    assert seen == ["mixed_bfloat16"]
    assert keras.config.dtype_policy().name == "float32"


def test_the_penalty_grows_with_the_square_of_the_pixels():
    many = 20_000
    small, large = (resolved(data_of((side, side, 3), many), images=1) for side in (32, 64))
    assert (small.gamma, small.final_gamma) == (0.1, 0.01)
    assert large.gamma == pytest.approx(16 * small.gamma)
    assert large.final_gamma == pytest.approx(16 * small.final_gamma)
    assert resolved(data_of((32, 32, 3), many), images=1, gamma=5.0).final_gamma == 0.5
    few = data_of((32, 32, 3), many - 1)
    assert resolved(few, images=1).final_gamma == 0.1
    assert resolved(few, images=1, networks="r3gan").final_gamma == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("size", "policy"),
    [(100, "color,translation,cutout"), (20_000, "color,translation"), (200_000, "none")],
)
def test_the_augmentation_depends_on_the_number_of_pictures(size, policy):
    assert resolved(data_of(size=size), images=1).augment == policy
    assert resolved(data_of(size=size), images=1, augment="cutout").augment == "cutout"


def test_of_many_pictures_the_augmented_ones_become_more_with_the_passes():
    data = data_of(size=20_000)
    _, arguments = pictures.build(resolved(data, images=1), data)
    with counting_images(5 * data.size):
        assert float(arguments["augmentation"].strength) == 0.5
    assert arguments["augmentation"].color == 1


@pytest.mark.parametrize(("size", "few"), [(2_000, True), (30_000, False)])
def test_pictures_that_an_epoch_gives_several_times_do_not_become_more(size, few):
    settings = resolved(data_of(size=size), images=10 * size, passes=20, precision="float32")
    _, arguments = pictures.build(settings, data_of(size=20 * size))
    augmentation = arguments["augmentation"]
    assert augmentation.color == (0.5 if few else 1)
    assert isinstance(augmentation.probability, Adaptive) == few
    if not few:
        with counting_images(5 * size):
            assert float(augmentation.strength) == 0.5


@pytest.mark.parametrize(("kind", "rate"), [("dcgan", 1e-3), ("r3gan", 4e-4)])
def test_networks(kind, rate):
    labels = np.arange(24) % 3
    data = data_of((20, 36, 4), labels=labels, names=("a", "b\n", "c"))
    settings = resolved(data, images=1, networks=kind, width=8)
    gan, arguments = pictures.build(settings, data)
    assert gan.condition.class_names == ["a", "'b\\n'", "c"]
    assert (settings.generator_learning_rate, settings.discriminator_learning_rate) == (rate, rate)
    sums = [layer for layer in gan.discriminator.layers if layer.name.endswith("_sum")]
    assert len(sums) == (2 if kind == "dcgan" else 3)  # blocks; DCGAN's not at the full size
    assert gan.generate(2, seed=0).shape == (2, 20, 36, 4)
    augmentation = arguments["augmentation"]
    assert (augmentation.policy, augmentation.color) == ("color,translation,cutout", 0.5)
    assert augmentation.probability.images == settings.images / 10
    gan, arguments = pictures.build(dataclasses.replace(settings, augment="none"), data_of())
    assert gan.condition is None
    assert "augmentation" not in arguments


@pytest.mark.parametrize("width", [1, 24, 368, 512])
def test_r3gan_of_any_width_can_be_built(width):
    data = data_of((16, 16, 3))
    settings = resolved(data, images=1, networks="r3gan", width=width, precision="float32")
    gan, _ = pictures.build(settings, data)
    channels = [layer.filters for layer in gan.generator.layers if "_project" in layer.name]
    expected = {1: [8, 8, 8], 24: [24, 8, 8], 368: [368, 184, 88], 512: [512, 256, 128]}
    assert channels == expected[width]
    with pytest.raises(InputError, match="`blocks` must be an int >= 1"):
        pictures.build(dataclasses.replace(settings, blocks=0), data)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"budget": "30"}, "a number above 0 with a unit"),
        ({"budget": "0m"}, "a number above 0 with a unit"),
        ({"budget": "8h", "quick": True}, "--quick is a budget of 2m.* Received: 8h"),
        ({"augment": "colour"}, "`policy` must be names of color"),
        ({"alpha": "black", "channels": 4}, "--alpha black .* --channels 4 keeps them"),
    ],
)
def test_bad_settings(settings, words):
    with pytest.raises(InputError, match=words):
        pictures.Settings(**settings)


@pytest.mark.parametrize("shape", [(2,), (6, 9, 1)])
def test_other_data_are_refused(shape):
    with pytest.raises(InputError, match="use --recipe own_data"):
        resolved(data_of(shape))


def test_seconds_per_step_are_measured():
    settings = dataclasses.replace(resolved(images=1, width=8, blocks=0), batch_size=4)
    assert 0 < pictures.seconds_per_step(pictures.build, settings, data_of((8, 8, 3))) < 60


def test_steps_are_timed_as_they_are_trained(monkeypatch):
    made = []

    def fit(gan, x, *_, **__):
        made.append((len(x) / 4 / gan.discriminator_steps, gan.jit_compile))

    monkeypatch.setattr(GAN, "fit", fit)
    settings = resolved(images=1, width=8, blocks=0, discriminator_steps=3, jit_compile=True)
    settings = dataclasses.replace(settings, batch_size=4)
    pictures.seconds_per_step(pictures.build, settings, data_of((8, 8, 3)))
    assert made == [(8, True)] * 2


def test_any_pictures_train_and_go_on(tmp_path, capsys, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 2**16, (24, 12, 17, 4)).astype(np.uint16)
    np.save(tmp_path / "pictures.npy", pixels)
    arguments = [
        *("--dataset", str(tmp_path / "pictures.npy"), "--run-dir", str(tmp_path / "run")),
        *("--batch-size", "8", "--width", "8", "--blocks", "0", "--images", "40"),
    ]
    assert train.main([*arguments, "--epochs", "1"]) == 0
    capsys.readouterr()
    assert train.main([*arguments, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "2 an epoch x 2 epochs" in out  # 40 images are two epochs of 20
    assert out.count("20 pictures are few") == 1
    assert "were planned for" not in out
    # Moved data are the same data; their names within the command change nothing.
    monkeypatch.chdir(tmp_path)
    moved = tmp_path / "elsewhere" / "pictures.npy"
    moved.parent.mkdir()
    Path("pictures.npy").rename(moved)
    arguments[1] = "elsewhere/pictures.npy"
    assert train.main([*arguments, "--epochs", "3"]) == 0
    out = capsys.readouterr().out
    assert "going on after epoch 1" in out
    assert "were planned for 1 epochs and stay so" in out
    run = Run.open(tmp_path / "run")
    assert run.config["recipe"] == "pictures"
    assert run.config["dataset"] == str(moved)
    assert run.epochs_done == 3
    samples = run.samples(3, weights="ema")
    assert samples.shape == (3, 12, 17, 4)
    assert recipes.data_of(run).element_shape == samples.shape[1:]
    arguments[1] = "./elsewhere/pictures.npy"
    assert train.main(arguments) == 0
    assert "is finished: 3 epochs. More --epochs continue it" in capsys.readouterr().out


def test_labels_of_a_file_of_arrays_are_learned(tmp_path, capsys):
    pixels = np.random.default_rng(0).integers(0, 256, (120, 8, 8, 6)).astype(np.uint8)
    np.savez(tmp_path / "pictures.npz", x=pixels, y=np.arange(120) % 3)
    arguments = [
        *("--dataset", str(tmp_path / "pictures.npz"), "--run-dir", str(tmp_path / "run")),
        *("--batch-size", "8", "--width", "8", "--blocks", "0", "--epochs", "1"),
    ]
    assert train.main(arguments) == 0
    assert Run.open(tmp_path / "run").condition.class_names == ["0", "1", "2"]
    dry = [*arguments[:1], str(tmp_path / "other.npz"), *arguments[4:], "--dry-run"]
    for labels, words in (
        (np.zeros(120, int), "one class only, so G and D learn none"),
        (np.arange(120) % 4 - 1, "labels are not used"),
        (1000 * np.arange(120), "labels are not used"),
    ):
        np.savez(tmp_path / "other.npz", x=pixels, y=labels)
        capsys.readouterr()
        assert train.main(dry) == 0
        out = capsys.readouterr().out
        assert words in out
        assert "none" in next(line for line in out.splitlines() if "condition" in line)


def test_without_features_or_pictures_for_them_no_distances_are_measured(tmp_path, capsys):
    pixels = np.random.default_rng(0).integers(0, 256, (130, 8, 8, 6)).astype(np.uint8)
    np.save(tmp_path / "pictures.npy", pixels)
    arguments = [
        *("--dataset", str(tmp_path / "pictures.npy"), "--run-dir", str(tmp_path / "run")),
        *("--batch-size", "8", "--width", "8", "--blocks", "0", "--epochs", "1"),
        *("--augment", "none", "--penalty-every", "1"),  # less to make a graph of
    ]
    assert train.main([*arguments, "--distance-every", "1"]) == 2
    assert "--distance-every needs classes" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "run")
    assert train.main(arguments) == 0
    assert "no distances are measured during training: they need classes" in capsys.readouterr().out
