"""Random bits: the published generators, and that a draw depends on what it is for alone."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_gan.core import randomness
from keras_gan.core.randomness import Purpose, RowDraws, StepDraws, row_seeds

# Vectors of Random123 (kat_vectors): (counter, key, output), words from low to high.
PHILOX_KNOWN = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


def philox(counter, key):
    """Philox4x32-10 (Salmon et al. 2011) in Python integers."""
    mask = 2**32 - 1
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & mask, (a >> 32) ^ c[3] ^ k[1], a & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def words(value):
    return [value & 0xFFFFFFFF, value >> 32]


def splitmix(state, n):
    """The first `n` outputs of SplitMix64 (Steele, Lea and Flood 2014) in Python integers."""
    mask, outputs = 2**64 - 1, []
    for _ in range(n):
        state = (state + 0x9E3779B97F4A7C15) & mask
        x = state
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        outputs.append(x ^ (x >> 31))
    return outputs


# ---------------------------------------------------------------------------- Philox


@pytest.mark.parametrize(("counter", "key", "output"), PHILOX_KNOWN)
def test_philox_gives_the_published_numbers(counter, key, output):
    assert philox(counter, key) == output
    low, high = (counter[2 * i] | counter[2 * i + 1] << 32 for i in (0, 1))
    draws = StepDraws(
        key[0] | key[1] << 32,
        step=high >> 24,
        minibatch=high >> 16 & 0xFF,
        purpose=high >> 12 & 0xF,
        first_row=tf.constant(low, tf.uint64),
        rows=1,
    )
    draws._drawn = high & 0xFFF  # as if so many draws had gone before
    assert draws.bits([4]).numpy()[0].tolist() == output


@pytest.mark.parametrize("columns", [1, 4, 6, 9])
def test_counter_holds_step_minibatch_purpose_draw_and_row(columns):
    seed, step, minibatch, first_row, rows = -5, 123_456_789_012, 200, 70, 3
    draws = StepDraws(seed, step, minibatch, Purpose.EVALUATION_GENERATOR, first_row, rows)
    blocks = -(-columns // 4)
    for drawn in range(2):
        high = step << 24 | minibatch << 16 | 5 << 12 | drawn
        expected = []
        for row in range(first_row, first_row + rows):
            low = [words(row * blocks + block) for block in range(blocks)]
            row_bits = [philox([*at, *words(high)], words(seed % 2**64)) for at in low]
            expected.append(np.concatenate(row_bits)[:columns])
        np.testing.assert_array_equal(draws.bits([columns]), np.array(expected, np.uint32))


@pytest.mark.parametrize("shape", [(1,), (4,), (7,), (2, 3, 5), (4, 8), ()])
@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_draw_what_the_whole_draws(shape, parts):
    rows = 8
    whole = StepDraws(7, 3, 1, Purpose.GENERATOR, 0, rows)
    share = rows // parts
    shares = [StepDraws(7, 3, 1, Purpose.GENERATOR, i * share, share) for i in range(parts)]
    for _ in range(3):
        together = np.concatenate([part.bits(shape) for part in shares])
        np.testing.assert_array_equal(whole.bits(shape), together)


def draw_in_every_way(step, first_row):
    draws = StepDraws(7, step, 1, Purpose.LATENTS, first_row, 6)
    rows = RowDraws(tf.cast(first_row, tf.int64) + row_seeds(3, 6))
    return [source.bits(shape) for source in (draws, rows) for shape in ([5], [2, 4])]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_graph_and_xla_draw_the_same_bits_as_eager_calls(jit_compile):
    function = tf.function(draw_in_every_way, jit_compile=jit_compile)
    arguments = tf.constant(2**33, tf.int64), tf.constant(12)
    pairs = zip(draw_in_every_way(*arguments), function(*arguments), strict=True)
    assert all(np.array_equal(eager, compiled) for eager, compiled in pairs)


def test_no_two_streams_meet():
    """Blocks of 128 bits: that two of these thousands agree by chance is all but impossible."""
    streams = [
        StepDraws(seed, step, minibatch, purpose, 0, 16)
        for seed in (0, 1)
        for step in (0, 1, 2**24)
        for minibatch in (0, 1, 255)
        for purpose in Purpose
    ]
    blocks = [
        np.asarray(stream.bits([columns])).reshape(-1, 4)
        for stream in streams
        for columns in (8, 8, 4)
    ]
    blocks = np.concatenate(blocks)
    assert len(np.unique(blocks, axis=0)) == len(blocks)


def test_seed_may_be_a_tensor_or_any_int():
    expected = StepDraws(2**64 - 1, 0, 0, Purpose.LATENTS, 0, 2).bits([4])
    for seed in (-1, 2**65 - 1, tf.constant(2**64 - 1, tf.uint64)):
        np.testing.assert_array_equal(
            StepDraws(seed, 0, 0, Purpose.LATENTS, 0, 2).bits([4]), expected
        )


@pytest.mark.parametrize("minibatch", [-1, 256])
def test_minibatch_outside_its_field_is_refused(minibatch):
    with pytest.raises(ValueError, match="minibatch"):
        StepDraws(0, 0, minibatch, Purpose.LATENTS, 0, 1)


def test_more_draws_than_their_field_holds_are_refused():
    draws = StepDraws(0, 0, 0, Purpose.LATENTS, 0, 1)
    draws._drawn = 4095  # as if so many had gone before
    assert draws.bits([4]).numpy()[0].tolist() == philox([0, 0, 4095, 0], [0, 0])
    with pytest.raises(ValueError, match="4096"):
        draws.bits([4])


# ------------------------------------------------------------------------- SplitMix64


def test_row_seeds_are_the_published_numbers():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    seeds = row_seeds(1234567, 3)
    assert seeds.dtype == np.int64
    assert seeds.view(np.uint64).tolist() == published == splitmix(1234567, 3)


@pytest.mark.parametrize("seed", [0, -1, 2**64 - 1, 2**70 + 3, np.int64(-7), np.uint64(2**63)])
def test_row_seeds_of_any_int(seed):
    np.testing.assert_array_equal(row_seeds(seed, 9).view(np.uint64), splitmix(int(seed), 9))
    np.testing.assert_array_equal(row_seeds(seed, 4, first=5), row_seeds(seed, 9)[5:])


def test_row_seeds_of_neighbouring_requests_are_all_different():
    seeds = np.concatenate([row_seeds(seed, 1000) for seed in range(100)])
    assert len(np.unique(seeds)) == len(seeds)


def test_row_draws_are_splitmix_streams():
    """Draw `s` of a row is a stream that starts at a hash of the row's seed and a hash of `s`."""

    def mix(state):  # the output function alone
        return splitmix(state - 0x9E3779B97F4A7C15, 1)[0]

    seeds = np.array([0, 5, -(2**63), 2**63 - 1], np.int64)
    for draws, streams in ((RowDraws(seeds), (0, 1)), (RowDraws(seeds, stream=1), (1, 2))):
        for stream in streams:
            starts = [mix(int(seed) + mix(stream)) for seed in seeds]
            expected = [[word >> 32 for word in splitmix(start, 6)] for start in starts]
            bits = draws.bits([2, 3]).numpy()
            np.testing.assert_array_equal(bits.reshape(4, 6), np.array(expected, np.uint32))


def test_a_row_depends_on_its_seed_alone():
    seeds = row_seeds(11, 50)
    whole = RowDraws(seeds)
    first, second = whole.bits([3]).numpy(), whole.bits([7]).numpy()
    order = np.random.default_rng(0).permutation(50)
    moved = RowDraws(seeds[order])
    np.testing.assert_array_equal(moved.bits([3]), first[order])
    np.testing.assert_array_equal(moved.bits([7]), second[order])
    alone = RowDraws(seeds[17:18])
    np.testing.assert_array_equal(alone.bits([3])[0], first[17])
    np.testing.assert_array_equal(alone.bits([7])[0], second[17])


@pytest.mark.parametrize("seeds", [np.arange(20_000), row_seeds(0, 20_000)])
def test_neighbouring_rows_columns_and_draws_are_uncorrelated(seeds):
    draws = RowDraws(seeds)
    once, again = (randomness.normal(draws.bits([4])).numpy() for _ in range(2))
    pairs = [
        (once[:-1], once[1:]),
        (once[:-1, :-1], once[1:, 1:]),
        (once[:, :-1], once[:, 1:]),
        (once, again),
        (once[1:], again[:-1]),
    ]
    for a, b in pairs:
        standard_error = a.size**-0.5
        assert abs(np.mean(a * b)) < 4 * standard_error
        assert abs(np.mean((a**2 - 1) * (b**2 - 1)) / 2) < 4 * standard_error


# ---------------------------------------------------------------------- from bits


SOURCES = {
    "steps": lambda: StepDraws(1, 2, 0, Purpose.LATENTS, 0, 1000),
    "rows": lambda: RowDraws(row_seeds(1, 1000)),
    "neighbouring rows": lambda: RowDraws(np.arange(1000)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_distributions(name):
    source = SOURCES[name]()
    uniform = randomness.uniform(source.bits([10])).numpy().ravel()
    normal = randomness.normal(source.bits([10])).numpy().ravel()
    assert 0.001 < scipy.stats.kstest(uniform, "uniform").pvalue < 0.999
    assert 0.001 < scipy.stats.kstest(normal, "norm").pvalue < 0.999


EXTREMES = np.array([0, 511, 2**31 - 1, 2**31, 2**32 - 512, 2**32 - 1], np.uint32)


def test_uniform_is_open_symmetric_and_exact():
    values = randomness.uniform(tf.constant(EXTREMES)).numpy()
    assert values.dtype == np.float32
    half, last = 0.5 - 2.0**-24, 1 - 2.0**-24
    assert values.tolist() == [2.0**-24, 2.0**-24, half, 1 - half, last, last]


@pytest.mark.parametrize(("jit_compile", "tolerance"), [(False, 1e-6), (True, 3e-5)])
def test_normal_inverts_the_distribution_function(jit_compile, tolerance):
    bits = np.concatenate([EXTREMES, np.linspace(0, 2**32 - 1, 100_001).astype(np.uint32)])
    function = tf.function(randomness.normal, jit_compile=jit_compile)
    values = function(tf.constant(bits)).numpy()
    exact = scipy.special.ndtri(((bits >> 9) + 0.5) / 2**23)
    np.testing.assert_allclose(values, exact, rtol=0, atol=tolerance)
    np.testing.assert_allclose(values[:3], -values[5:2:-1], rtol=1e-6)
    np.testing.assert_allclose(np.abs(values).max(), 5.294704, rtol=1e-6)


# -------------------------------------------------------------------------- context


def test_layers_draw_from_the_innermost_source():
    outer, inner = RowDraws(np.arange(2)), RowDraws(np.arange(3))
    assert randomness.current_draws() is None
    with randomness.drawing_from(outer):
        with contextlib.suppress(KeyError), randomness.drawing_from(inner):
            assert randomness.current_draws() is inner
            raise KeyError
        assert randomness.current_draws() is outer
        with randomness.drawing_from(None):
            assert randomness.current_draws() is None
    assert randomness.current_draws() is None
