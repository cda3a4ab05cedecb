"""Grids pixel by pixel, drawings by the places of their curves."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from scipy.spatial import distance

from keras_gan import plotting
from keras_gan.core.errors import InputError
from keras_gan.evaluation.gaussians import GaussianMixture
from keras_gan.evaluation.theory import optimal_discriminator
from reproduce import densities

RANDOM = np.random.default_rng(0)
BLUE, GREEN = (0, 0x72, 0xB2), (0, 0x9E, 0x73)
MARK = (230, 159, 0)


def near(picture, color):
    return np.abs(picture.astype(int) - color).max(axis=2) < 30


def rows_of(picture, color):
    """The rows of a picture that hold a color, nearly."""
    return np.flatnonzero(near(picture, color).any(axis=1))


def level_of(picture, color):
    """The row of a horizontal line: the one that holds most of a color."""
    return int(near(picture, color).sum(axis=1).argmax())


def columns_of(picture, color):
    return rows_of(picture.swapaxes(0, 1), color)


# ---------------------------------------------------------------------------------------- grids


def test_grid_places_every_pixel():
    images = RANDOM.uniform(size=(5, 3, 4, 3))
    picture = plotting.grid(images, 2, scale=2)
    assert picture.shape == (2 + 3 * (6 + 2), 2 + 2 * (8 + 2), 3)
    assert picture.dtype == np.uint8
    for i, image in enumerate(images):
        top, left = 2 + i // 2 * 8, 2 + i % 2 * 10
        tile = picture[top : top + 6, left : left + 8]
        expected = np.round(255 * image).astype(np.uint8)
        for y in range(2):
            for x in range(2):
                assert_array_equal(tile[y::2, x::2], expected)
    assert np.all(picture[18:, 12:] == 255)  # the sixth place is paper


@pytest.mark.parametrize(("size", "scale"), [(8, 6), (28, 2), (32, 2), (48, 1), (96, 1)])
def test_small_images_are_enlarged_by_a_whole_factor(size, scale):
    picture = plotting.grid(np.zeros((1, size, size)))
    assert picture.shape == (size * scale + 4, size * scale + 4, 3)


@pytest.mark.parametrize(
    ("height", "width", "scale"), [(8, 85, 6), (8, 86, 5), (8, 256, 2), (1024, 16, 1), (2, 1024, 1)]
)
def test_panoramas_are_not_enlarged_beyond_512_pixels(height, width, scale):
    picture = plotting.grid(np.zeros((1, height, width)))
    assert picture.shape == (height * scale + 4, width * scale + 4, 3)


def test_an_animation_of_the_widest_panoramas_fits_into_its_file(tmp_path):
    """WebP holds 16,383 pixels a side; a run on pictures of 16x1024 ended with its error."""
    frames = [plotting.grid(np.full((12, 16, 1024), gray), 6) for gray in (0.0, 1.0)]
    plotting.animate(frames, tmp_path / "interpolation.webp")
    with Image.open(tmp_path / "interpolation.webp") as animation:
        assert animation.size == frames[0].shape[1::-1]


def test_grey_float_and_integer_images_agree():
    images = RANDOM.integers(256, size=(9, 8, 8), dtype=np.uint8)
    picture = plotting.grid(images)
    assert_array_equal(plotting.grid((images / 255).astype(np.float32)[..., None]), picture)
    assert_array_equal(picture[..., 0], picture[..., 2])
    assert picture.shape[0] == picture.shape[1]  # as square as can be


def test_nearest_examples_against_all_distances():
    train, samples = RANDOM.uniform(size=(300, 4, 4, 1)), RANDOM.uniform(size=(20, 4, 4, 1))
    nearest = distance.cdist(samples.reshape(20, -1), train.reshape(300, -1)).argmin(axis=1)
    assert_array_equal(plotting.nearest_examples(samples, train), nearest)
    whole = np.round(255 * train).astype(np.uint8)
    assert_array_equal(plotting.nearest_examples(whole[7:9], train), [7, 8])


def test_nearest_examples_are_searched_in_blocks(monkeypatch):
    train, samples = RANDOM.integers(256, size=(300, 4, 4, 1)), RANDOM.uniform(size=(20, 4, 4, 1))
    found, seen = plotting.nearest_examples(samples, train.astype(np.uint8)), []
    monkeypatch.setattr(plotting.grids, "_BLOCK", 70 * 16 + 5)

    def prepare(block):
        seen.append(len(block))
        return block / 255

    assert_array_equal(plotting.nearest_examples(samples, train, prepare), found)
    assert seen == [70, 70, 70, 70, 20]


def test_nearest_grid_shows_the_neighbor_of_the_last_sample_of_each_row():
    train = RANDOM.uniform(size=(50, 48, 48))
    samples = RANDOM.uniform(size=(6, 48, 48))
    samples[2], samples[5] = train[7], train[30]
    picture = plotting.nearest_grid(samples, train, 3)
    marked = columns_of(picture, MARK)
    rows = rows_of(picture, MARK)
    inner = picture[rows[0] + 4 : rows[-1] - 3, marked[0] + 4 : marked[-1] - 3]
    assert_array_equal(inner, plotting.grid(train[[7, 30]], 1))
    left = picture[rows[0] + 4 : rows[-1] - 3, : 2 + 3 * 50]
    assert_array_equal(left, plotting.grid(samples, 3))
    assert rows[0] == 20  # a line of text above
    assert picture[:20].min() < 100


def test_caption_takes_one_line_where_it_fits_and_two_where_not():
    picture = np.zeros((10, 400, 3), np.uint8)
    assert plotting.captioned(picture, "samples", right="nearest").shape == (30, 400, 3)
    narrow = plotting.captioned(picture[:, :30], "samples", right="nearest")
    assert narrow.shape[0] == 50
    assert narrow.shape[1] > 30
    assert_array_equal(narrow[40:, :30], 0)
    assert plotting.captioned(picture, "").shape == (30, 400, 3)
    assert plotting.captioned(picture, "nearest", right="nearest")[:20, 200:].min() < 100


def test_weight_grid_colours_and_scale():
    kernel = np.zeros((48 * 48, 4))
    kernel[:, 0], kernel[:, 1], kernel[:, 2] = 0.2, -0.2, 0.1
    picture = plotting.weight_grid(kernel, (48, 48))
    tiles = [picture[2 + 50 * y + 24, 2 + 50 * x + 24] for y in (0, 1) for x in (0, 1)]
    assert_array_equal(tiles, [[255, 0, 0], [0, 0, 255], [255, 128, 128], [255, 255, 255]])
    assert plotting.weight_grid(np.zeros((48 * 48, 200)), (48, 48)).shape == (502, 502, 3)


def test_weight_grid_of_convolutions():
    kernel = RANDOM.normal(size=(5, 5, 3, 9))
    scaled = np.clip(kernel / np.quantile(np.abs(kernel), 0.999), -1, 1)
    assert_array_equal(
        plotting.weight_grid(kernel), plotting.grid(np.moveaxis(scaled, -1, 0) / 2 + 0.5)
    )
    gray = plotting.weight_grid(np.ones((5, 5, 1, 1)))
    assert_array_equal(gray[2:-2, 2:-2], np.broadcast_to([255, 0, 0], (50, 50, 3)))
    assert_array_equal(plotting.weight_grid(np.zeros((9, 1)), (3, 3)), 255)


# ------------------------------------------------------------------------------------ walks in z


def test_lines_are_straight_and_even():
    a, b = RANDOM.normal(size=(2, 3, 5)).astype(np.float32)
    walk = plotting.lines(a, b, 6).reshape(3, 6, 5)
    assert_array_equal(walk[:, 0], a)
    assert_array_equal(walk[:, -1], b)
    assert_allclose(np.diff(walk, axis=1), np.repeat((b - a)[:, None] / 5, 5, axis=1), atol=1e-6)


def test_circuit_closes():
    corners = np.array([[0, 0], [4, 0], [4, 2], [0, 2]])
    walk = plotting.circuit(corners, 4)
    assert_allclose(walk[::4], corners)
    steps = np.diff(np.concatenate([walk, walk[:1]]), axis=0)
    assert_allclose(np.abs(steps).sum(axis=1), np.repeat([1, 0.5, 1, 0.5], 4))


def test_a_loop_is_closed_smooth_and_as_long_as_its_corners():
    corners = np.eye(3, dtype=np.float32)[[0, 1, 2]] * 2
    walk = plotting.loop(corners, 8)
    assert_allclose(walk[::8], corners, atol=1e-6)
    assert_allclose(np.linalg.norm(walk, axis=1), 2, atol=1e-6)
    assert_allclose(walk[4], [2**0.5, 2**0.5, 0], atol=1e-6)
    steps = np.linalg.norm(np.diff(walk, axis=0, append=walk[:1]), axis=1).reshape(3, 8)
    assert_allclose(steps, steps[:, ::-1], atol=1e-5)
    assert (steps[:, 0] < 0.3 * steps[:, 3]).all()  # slow near the corners


def test_rectangle_has_the_circuit_as_its_edge():
    corners = RANDOM.normal(size=(4, 7))
    inside = plotting.rectangle(corners, 5, 5).reshape(5, 5, 7)
    way = plotting.circuit(corners, 4).reshape(4, 4, 7)
    edges = [inside[0, :-1], inside[:-1, -1], inside[-1, :0:-1], inside[:0:-1, 0]]
    assert_allclose(np.stack(edges), way, atol=1e-6)
    assert_allclose(inside[2, 2], corners.mean(axis=0), atol=1e-6)


# ---------------------------------------------------------------------------------------- files


def test_png_keeps_every_pixel(tmp_path):
    picture = RANDOM.integers(256, size=(10, 20, 3), dtype=np.uint8)
    plotting.save_image(picture, tmp_path / "a.png")
    assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), picture)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("ending", ["gif", "png", "webp"])
def test_animation(tmp_path, ending):
    frames = [np.full((8, 8, 3), level, np.uint8) for level in (0, 120, 250)]
    path = tmp_path / f"a.{ending}"
    plotting.animate(frames, path)
    with Image.open(path) as film:
        assert film.n_frames == 3
        assert film.info["loop"] == 0
        shown = []
        for i in range(3):
            film.seek(i)
            level = film.convert("RGB").getpixel((4, 4))[0]
            shown.append((film.info["duration"], level))
    # WebP is lossy.
    assert_allclose(shown, [(100, 0), (100, 120), (1500, 250)], atol=3 * (ending == "webp"))


def test_animation_of_files(tmp_path):
    for i, level in enumerate((10, 200)):
        plotting.save_image(np.full((4, 4, 3), level, np.uint8), tmp_path / f"{i}.png")
    plotting.animate(sorted(tmp_path.glob("*.png")), tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 2


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OSError, match=re.escape("a.png")):
        plotting.save_image(np.zeros((4, 4, 3), np.uint8), tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


# --------------------------------------------------------------------------------------- curves


def table(value, real, fake, **more):
    return {
        "epoch": range(len(value)),
        "value": value,
        "d_real": real,
        "d_fake": fake,
    } | more


def test_learning_curves_stand_where_their_values_are():
    """At the equilibrium the curves cover the lines of reference; away from it they do not."""
    n = 20
    level = plotting.learning_curves(table([-np.log(4)] * n, [0.5] * n, [0.5] * n))
    apart = plotting.learning_curves(table([-1.0] * n, [0.9] * n, [0.1] * n))
    assert apart.shape == level.shape
    right = level.shape[1] // 2
    middle, low = (level_of(picture[:, right:], GREEN) for picture in (level, apart))
    # The axis from -0.03 to 1.03 is about 340 pixels high.
    assert_allclose(low - middle, 0.4 / 1.06 * 340, rtol=0.1)
    assert abs(level_of(level[:, :right], BLUE) - level_of(apart[:, :right], BLUE)) > 20


def test_panels_stand_apart_so_that_a_label_is_seen_to_be_its_own():
    curves = plotting.learning_curves(table([-1.0], [0.7], [0.3], val_log_likelihood=[50.0]))
    trust = plotting.reliability([1243.1, 1243.2], [2, 2], [1, 784], [0, -215])
    for picture, between in ((curves, 2), (trust, 1)):
        inked = np.flatnonzero((picture < 255).any(axis=(0, 2)))
        gaps = np.sort(np.diff(inked))
        assert (gaps[-between:] > 35).all()  # labels are about 10 pixels from their numbers
        assert gaps[-between - 1] < 35


def test_learning_curves_with_gaps_and_one_epoch():
    one = plotting.learning_curves(table([-1.0], [0.7], [0.3]))
    assert len(rows_of(one, BLUE)) > 5  # one epoch is a dot
    nan = float("nan")
    more = plotting.learning_curves(
        table(
            [-1, -1.2], [0.7, 0.6], [0.3, 0.4], val_log_likelihood=[nan, 50.0], val_value=[-1, nan]
        )
    )
    assert more.shape[1] > one.shape[1]
    assert len(rows_of(more[:, -400:], (0xD5, 0x5E, 0))) > 3


def test_of_one_epoch_the_axis_is_whole_and_validation_is_a_ring(monkeypatch):
    figures = []
    monkeypatch.setattr("keras_gan.plotting.curves.as_picture", figures.append)
    plotting.learning_curves(table([-1.0], [0.7], [0.3], val_d_real=[0.7]))
    value, output = figures[0].axes
    for axes in (value, output):
        low, high = axes.get_xlim()
        assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]
    training, validation = output.get_lines()[:2]
    assert [line.get_label() for line in (training, validation)] == ["D(x)", "D(x), validation"]
    assert (training.get_fillstyle(), validation.get_fillstyle()) == ("full", "none")


def test_scatter_shows_points_inside_and_counts_those_outside():
    points = np.array([[0.5, 0.5]] * 9 + [[50, 0]])
    inside = plotting.scatter(points[:9], limit=1)
    picture = plotting.scatter(points, limit=1)
    assert picture.shape == inside.shape  # frames of one animation have one size
    at = rows_of(picture[:300], GREEN).mean(), columns_of(picture[:300], GREEN).mean()
    assert_allclose(
        at, (rows_of(inside[:300], GREEN).mean(), columns_of(inside[:300], GREEN).mean())
    )
    assert np.any(picture[400:] != inside[400:])  # the legend says that a tenth lies outside
    assert plotting.scatter(np.zeros((3, 2))).shape == picture.shape  # and warns of nothing


def panel(shift=0.0, title="(a)", discriminator=None):
    x = np.linspace(-4, 4, 200)
    data, own = GaussianMixture([0.0], 1.0), GaussianMixture([shift], 1.0)
    best = optimal_discriminator(data.density(x), own.density(x))
    z = np.linspace(-1.7, 1.7, 20)
    return densities.Panel(
        title=title,
        x=x,
        p_data=data.density(x),
        p_g=own.density(x),
        discriminator=best if discriminator is None else np.full(200, discriminator),
        optimal=best,
        z=z,
        generated=z + shift,
    )


def test_figure_1_moves_with_p_g_and_keeps_its_size():
    frames = [densities.figure_1([panel(shift)]) for shift in (-1.0, 0.0, 1.0)]
    assert len({frame.shape for frame in frames}) == 1
    left, middle, right = (columns_of(frame[60:320], GREEN).mean() for frame in frames)
    assert left < middle - 20
    assert middle < right - 20
    wide = densities.figure_1([panel(1, "(a)"), panel(0, "(d)")])
    assert wide.shape[1] > 1.5 * frames[0].shape[1]


def test_figure_1_draws_d_on_a_scale_of_its_own():
    low, high = (
        level_of(densities.figure_1([panel(discriminator=d)])[90:], BLUE) for d in (0.25, 0.75)
    )
    # The axis from 0 to 1.05 is about 250 pixels high.
    assert_allclose(low - high, 0.5 / 1.05 * 250, rtol=0.15)


def test_reliability_draws_sets_and_errors_where_they_are():
    picture = plotting.reliability([80, 80, 80, 80, 90], [1] * 5, [1, 10, 100], [0, -1, -20])
    half = picture.shape[1] // 2
    sets, errors = picture[:, :half], picture[:, half:]
    fifth = columns_of(sets[: rows_of(sets, BLUE).min() + 20], BLUE)
    assert fifth.min() > columns_of(sets, BLUE).min() + 150  # the highest stands at the right
    red = (0xD5, 0x5E, 0)
    assert rows_of(errors, red).max() > rows_of(errors[:, :150], red).max() + 100
    assert not near(sets, red).any()


# ------------------------------------------------------------------------------------ bad input

IMAGES = np.zeros((6, 8, 8))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plotting.grid(IMAGES + 2), "from 2 to 2"),
        (lambda: plotting.grid(IMAGES * np.nan), "[0, 1]"),
        (lambda: plotting.grid(IMAGES[:0]), "no images"),
        (lambda: plotting.grid(IMAGES[0]), "[n, h, w]"),
        (lambda: plotting.grid(IMAGES, -1), "`columns`"),
        (lambda: plotting.nearest_grid(IMAGES, IMAGES, 4), "rows of 4"),
        (lambda: plotting.nearest_examples(IMAGES, IMAGES[:, :4]), "one size"),
        (lambda: plotting.weight_grid(np.zeros((10, 3)), (3, 3)), "`shape`"),
        (lambda: plotting.lines(np.zeros((2, 3)), np.zeros((3, 3))), "alike"),
        (lambda: plotting.lines(np.zeros((2, 3)), np.zeros((2, 3)), 1), "at least 2"),
        (lambda: plotting.rectangle(np.zeros((3, 2))), "[4, d]"),
        (lambda: plotting.save_image(np.zeros((4, 4, 3), np.uint8), "a.jpg"), ".png"),
        (lambda: plotting.save_image(np.zeros((4, 4, 3)), "a.png"), "uint8"),
        (lambda: plotting.animate([], "a.gif"), "at least one"),
        (
            lambda: plotting.animate([np.zeros((n, 4, 3), np.uint8) for n in (4, 5)], "a.gif"),
            "one size",
        ),
        (lambda: plotting.learning_curves({"epoch": [0]}), "value, d_real"),
        (lambda: plotting.scatter(np.zeros((3, 3))), "[n, 2]"),
        (lambda: plotting.scatter(np.zeros((0, 2))), "at least one finite point"),
        (lambda: plotting.scatter(np.full((3, 2), np.nan)), "finite"),
        (lambda: plotting.reliability([1, 2], [1], [1], [1]), "`means`"),
        (lambda: plotting.reliability([1, 2], [1, 1], [1], [np.nan]), "`dimensions`"),
        (lambda: densities.figure_1([]), "at least one"),
        (
            lambda: densities.figure_1(
                [densities.Panel("(a)", [0, 1], [1], [1, 1], [1, 1], [1, 1], [0], [0])]
            ),
            "'(a)'",
        ),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=re.escape(words)):
        call()
