"""`keras-gan generate`: the same samples as in Python, as PNG files, a picture or an array."""

from __future__ import annotations

import weakref

import keras
import numpy as np
import pytest
import small
from PIL import Image

import keras_gan
from keras_gan import generate, plotting
from keras_gan.training import sampling


def images(folder) -> np.ndarray:
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"{i:03d}.png" for i in range(len(files))]
    return np.stack([np.asarray(Image.open(file)) for file in files])


def test_a_folder_of_files(tmp_path, capsys):
    folder = tmp_path / "new" / "psi_0.5"
    arguments = ["--samples", "300", "--seed", "7", "--truncation", "0.5", "--output"]
    assert generate.main(["digits", *arguments, f"{folder}/"]) == 0
    output = capsys.readouterr()
    assert (output.out, output.err) == (f"{folder}/\n", "")
    samples = keras_gan.GAN.from_preset("digits").generate(300, seed=7, truncation=0.5)
    np.testing.assert_array_equal(images(folder), np.rint(255 * samples[..., 0]))
    assert [path.name for path in folder.parent.iterdir()] == ["psi_0.5"]


def test_a_picture_of_classes_in_turn(tmp_path):
    file = tmp_path / "threes_and_fives.png"
    call = ["mnist_conditional", "--samples", "10", "--condition", "3", "5", "--output", str(file)]
    assert generate.main(call) == 0
    gan = keras_gan.GAN.from_preset("mnist_conditional")
    samples = gan.generate(10, seed=0, condition=[3, 5] * 5)
    np.testing.assert_array_equal(np.asarray(Image.open(file)), plotting.grid(samples))


def test_classes_by_name_and_number(tmp_path, capsys):
    names = ["cat", "dog", "0"]
    condition = keras_gan.conditioning.Classes(small.CLASSES, class_names=names)
    pair = small.conditional_pair()
    gan = keras_gan.GAN(*pair, keras_gan.priors.Uniform(5), condition=condition)
    gan.save(tmp_path / "gan.keras")
    file = tmp_path / "pets.npz"
    call = [str(tmp_path / "gan.keras"), "--samples", "4", "--output", str(file), "--condition"]
    assert generate.main([*call, "dog", "0"]) == 0
    with np.load(file) as arrays:
        expected = gan.generate(4, seed=0, condition=[1, 0, 1, 0])
        np.testing.assert_array_equal(arrays["x"], expected)
    assert generate.main([*call, "dogs"]) == 2
    assert "`condition` must be cat, dog, 0, or an integer" in capsys.readouterr().err


@pytest.mark.parametrize("weights", ["last", "ema"])
def test_an_array_of_points(weights, tmp_path, capsys):
    gan = small.gan(ema=0.9)
    gan.fit(small.examples(), batch_size=10, verbose=0)
    gan.save(tmp_path / "gan.keras")
    file = tmp_path / "points.npz"
    call = [str(tmp_path / "gan.keras"), "--weights", weights, "--output", str(file)]
    assert generate.main(call) == 0
    assert ("--weights ema are nearly always" in capsys.readouterr().err) == (weights == "last")
    with np.load(file) as arrays:
        (name,) = arrays
        np.testing.assert_array_equal(arrays[name], gan.generate(64, ema=weights == "ema"))
    assert name == "x"


def test_an_array_larger_than_the_memory(tmp_path, monkeypatch):
    made, rows = [], sampling.Sampler._rows

    def watched(*arguments):
        assert sum(batch() is not None for batch in made) <= 1  # the others have been written
        batch = rows(*arguments)
        made.append(weakref.ref(batch))
        return batch

    monkeypatch.setattr(sampling.Sampler, "_rows", watched)
    file = tmp_path / "new.npz"
    assert generate.main(["digits", "--samples", "900", "--output", str(file)]) == 0
    assert len(made) > 3
    with np.load(file, allow_pickle=False) as arrays:
        samples = arrays["x"]
    assert (samples.dtype, samples.shape) == (np.float32, (900, 8, 8, 1))
    expected = keras_gan.GAN.from_preset("digits").generate(900)
    np.testing.assert_allclose(samples, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_channels(tmp_path, channels):
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(6 * channels, activation="sigmoid"),
            keras.layers.Reshape((2, 3, channels)),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((2, 3, channels)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    gan = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(4))
    gan.save(tmp_path / "gan.keras")
    call = [str(tmp_path / "gan.keras"), "--samples", "101", "--preprocessing", "unit_range"]
    code = generate.main([*call, "--output", str(tmp_path / "samples")])
    assert code == (2 if channels > 4 else 0)
    if code == 0:
        expected = np.rint(255 * gan.generate(101))
        np.testing.assert_array_equal(images(tmp_path / "samples"), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits", "--output", "samples.zip"], "a file that ends in .png or .npz"),
        (["digits", "--output", "psi_0.7"], "a folder with a dot in its name ends in /"),
        (["digits", "--output", "."], "--output . exists"),
        (["digits", "--output", "x.png", "--samples", "10001"], "at most 10,000 samples"),
        (["digits", "--output", "x.png", "--condition", "3"], "leave out --condition"),
        (["digits", "--output", "x.png", "--weights", "best"], "whose only weights are 'last'"),
        (
            ["mnist_conditional", "--output", "a/x", "--condition", "10"],
            "from 0 to 9. Received: 10",
        ),
        (["digits", "--output", "a/x", "--weights", "best_ema"], "whose only weights are 'last'"),
        (["gan.keras", "--output", "x.png"], "--output must end in .npz"),
        (["digits", "--output", "file/x"], "--output file cannot be written"),
    ],
)
def test_what_cannot_be_written(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small.gan().save("gan.keras")
    (tmp_path / "file").touch()
    assert generate.main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "gan.keras"]


@pytest.mark.parametrize(
    ("flag", "here"),
    [
        ("--network=g.pkl", "here it is RUN, the first argument"),
        ("--seeds=0-35", "here it is --samples, how many; one --seed is for all of them"),
        ("--trunc=0.7", "here it is --truncation"),
        ("--trunc_psi=0.7", "here it is --truncation"),
        ("--class=3", "here it is --condition"),
        ("--outdir=out", "here it is --output"),
        ("--num-image-tiles=8", "here it is --samples"),
        ("--ouput=out", "did you mean --output?"),
    ],
)
def test_flags_of_other_packages_are_answered(flag, here, capsys):
    assert generate.main(["digits", flag]) == 2
    error = f"generate: error: unrecognized arguments: {flag}; {here} (see --help)\n"
    assert capsys.readouterr().err == error


def test_what_cannot_be_generated(tmp_path, capsys):
    output = tmp_path / "samples"
    gan = small.gan()
    gan.generator.set_weights([np.full_like(w, np.nan) for w in gan.generator.get_weights()])
    gan.save(tmp_path / "gan.keras")
    assert generate.main([str(tmp_path / "gan.keras"), "--output", f"{output}.npz"]) == 2
    assert "gan.keras generates NaN or infinite numbers" in capsys.readouterr().err
    latents, vector = keras.Input((5,), name="latents"), keras.Input((2,), name="condition")
    joined = keras.layers.Concatenate()([latents, vector])
    generator = keras.Model([latents, vector], keras.layers.Dense(6)(joined))
    networks = generator, small.network_pair()[1]
    condition = keras_gan.conditioning.Vectors([2])
    gan = keras_gan.GAN(*networks, keras_gan.priors.Uniform(5), condition=condition)
    gan.save(tmp_path / "gan.keras")
    assert generate.main([str(tmp_path / "gan.keras"), "--output", f"{output}.npz"]) == 2
    assert "is a vector for each sample: give them in Python" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["gan.keras"]
