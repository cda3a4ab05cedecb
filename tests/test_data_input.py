"""What `fit` and `evaluate` take as data, and what they refuse."""

from __future__ import annotations

import itertools
import warnings

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

from keras_gan import InputError
from keras_gan.conditioning import ClassRange, LabelCheck, VectorShape
from keras_gan.data import DataSet, Split
from keras_gan.training import input_checks, input_pipeline

IMAGE = (4, 4, 1)


def stream(x, y=None, *, batch_size=None, k=1, shape=(1,), label_check=None, **arguments):
    return input_pipeline.training_stream(
        x,
        y,
        batch_size=batch_size,
        minibatches=k,
        example_shape=shape,
        label_check=label_check,
        seed=arguments.get("seed", 0),
        shuffle=arguments.get("shuffle", True),
        strategy=tf.distribute.get_strategy(),
        steps_per_epoch=arguments.get("steps_per_epoch"),
    )


def evaluation(x, y=None, *, batch_size=None, shape=(1,), label_check=None):
    return input_pipeline.evaluation_data(
        x, y, batch_size=batch_size, example_shape=shape, label_check=label_check
    )


def train(x, y=None, shape=(1,), label_check=None):
    """Reads an epoch as training does."""
    batch_size = 4 if hasattr(x, "__array__") else None
    return stream(x, y, batch_size=batch_size, shape=shape, label_check=label_check).dataset()


READERS = {"fit": train, "evaluate": evaluation}


@pytest.fixture(params=READERS.values(), ids=READERS.keys())
def reader(request):
    return request.param


def numbers(n):
    return np.arange(n, dtype=np.float32)[:, None]


def read(dataset):
    """The batches of numbers of a data set of `x` or `(x, y)`."""
    return [input_checks.x_and_y(batch)[0][:, 0].numpy().tolist() for batch in dataset]


def joined(batches):
    return list(itertools.chain.from_iterable(batches))


class Pieces(keras.utils.PyDataset):
    """The numbers 0, 1, ... in batches of these sizes, with classes number % 3."""

    def __init__(self, sizes, labels=False, endless=False, **arguments):
        super().__init__(**arguments)
        self.ends = np.cumsum(sizes)
        self.sizes, self.labels, self.endless = sizes, labels, endless
        self.begun = self.ended = 0

    @property
    def num_batches(self):
        return None if self.endless else len(self.sizes)

    def __getitem__(self, index):
        place = index % len(self.sizes)
        x = numbers(self.ends[place])[self.ends[place] - self.sizes[place] :]
        return (x, x[:, 0].astype(np.int64) % 3) if self.labels else x

    def on_epoch_begin(self):
        self.begun += 1

    def on_epoch_end(self):
        self.ended += 1


class Anew:
    """An iterable of two batches that can be read any number of times."""

    def __iter__(self):
        yield from (numbers(4), numbers(3))


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_of_a_py_dataset_are_regrouped_by_index(workers):
    data = Pieces([4, 4, 3, 4, 2], workers=workers)
    groups = stream(data, k=2, shuffle=False)
    groups.begin_epoch(0)
    assert read(groups.dataset()) == [list(range(8)), list(range(8, 16))]
    groups.end_epoch()
    assert groups.dropped_examples() == 1
    assert (groups.minibatch, groups.steps_per_epoch) == (4, None)
    assert (data.begun, data.ended) == (1, 1)
    assert joined(read(evaluation(data))) == list(range(17))


def test_a_py_dataset_is_shuffled_by_seed_and_step():
    def epoch(seed, step):
        groups = stream(Pieces([1] * 12), seed=seed)
        groups.begin_epoch(step)
        return joined(read(groups.dataset()))

    first = epoch(0, 0)
    assert epoch(0, 0) == first
    for other in (epoch(0, 12), epoch(1, 0)):
        assert other != first
        assert sorted(other) == sorted(first) == list(range(12))


def test_fit_and_evaluate_take_a_py_dataset():
    class Examples(Pieces):
        def __getitem__(self, index):
            return small.examples(4, seed=index)

    model, data = small.gan(), Examples([4] * 5)
    model.fit(data, epochs=3, validation_data=Examples([4, 4]), verbose=0)
    assert int(model.step.numpy()) == 15
    assert data.ended == 3
    whole = np.concatenate([data[i] for i in range(5)])
    values = [model.evaluate(x, verbose=0, return_dict=True)["d_real"] for x in (data, whole)]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-6)
    model.fit(Examples([4], endless=True), epochs=2, steps_per_epoch=3, verbose=0)
    assert int(model.step.numpy()) == 21


def test_labels_of_a_py_dataset():
    ((x, y),) = stream(Pieces([6], labels=True), label_check=ClassRange(3)).dataset()
    np.testing.assert_array_equal(y, x[:, 0] % 3)
    with pytest.raises(InputError, match="labels"):
        stream(Pieces([6]), label_check=ClassRange(3))


def test_a_generator_is_read_once_and_an_iterable_each_epoch():
    groups = stream(iter([numbers(4), 4 + numbers(4), 8 + numbers(2)]))
    assert read(groups.dataset()) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        read(groups.dataset())
    assert "steps_per_epoch" in str(input_checks.input_error(error.value))
    again = stream(Anew())
    assert read(again.dataset()) == read(again.dataset()) == [[0, 1, 2, 3]]
    assert joined(read(evaluation(Anew()))) == [0, 1, 2, 3, 0, 1, 2]


def test_fit_takes_a_generator():
    model = small.gan()
    batches = (small.examples(4, seed=i) for i in itertools.count())
    model.fit(batches, epochs=2, steps_per_epoch=3, verbose=0)
    assert int(model.step.numpy()) == 6
    with pytest.raises(InputError, match="generator"):
        model.fit((small.examples(4) for _ in range(3)), epochs=2, verbose=0)


def test_running_out_of_data_warns_only_where_steps_were_asked_for():
    model = small.gan()
    data = tf.data.Dataset.from_tensor_slices(small.examples(16)).batch(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(data, epochs=2, verbose=0)
    assert int(model.step.numpy()) == 8
    with pytest.warns(UserWarning, match="ran out of data"):
        model.fit(data, steps_per_epoch=6, verbose=0)
    assert int(model.step.numpy()) == 12


def test_the_order_of_data_that_begin_again_is_that_of_their_step():
    groups = stream(Pieces([1] * 12), steps_per_epoch=6)
    steps, orders = iter(groups.dataset()), []
    for step in range(0, 24, 6):
        groups.begin_epoch(step)
        orders.append([int(next(steps)[0, 0]) for _ in range(6)])
    for step in (0, 12):
        fresh = stream(Pieces([1] * 12))
        fresh.begin_epoch(step)
        half = step // 6
        assert orders[half] + orders[half + 1] == joined(read(fresh.dataset()))


@pytest.mark.parametrize("examples", [16, 18])  # of 18, the last batch fills no step
def test_data_that_end_with_an_epoch_begin_again(examples):
    model, x = small.gan(), small.examples(examples)

    class Indexed(keras.utils.PyDataset):
        num_batches = -(-examples // 4)

        def __getitem__(self, index):
            return x[4 * index : 4 * index + 4]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for data in tf.data.Dataset.from_tensor_slices(x).batch(4), Indexed():
            model.fit(data, steps_per_epoch=2, epochs=5, verbose=0)
    assert int(model.step.numpy()) == 20


def forms(x, y=None):
    """The same examples as an array, a `tf.data` set, a `PyDataset` and a generator."""

    class One(keras.utils.PyDataset):
        num_batches = 1

        def __getitem__(self, index):
            return x if y is None else (x, y)

    batch = x if y is None else (x, y)
    return {
        "array": x,
        "dataset": tf.data.Dataset.from_tensors(batch),
        "py_dataset": One(),
        "generator": iter([batch]),
    }


def refused(reader, x, **arguments):
    """What a reader says of data, before or while they are read."""
    try:
        list(reader(x, **arguments))
    except InputError as error:
        return str(error)
    except tf.errors.OpError as error:
        return str(input_checks.input_error(error))
    return "taken"


@pytest.mark.parametrize("form", ["array", "dataset"])
@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.full((4, *IMAGE), 0.5, np.float32), "taken"),
        (np.full((4, *IMAGE), -0.5, np.float16), "taken"),
        (np.zeros((4, *IMAGE), np.uint8), "/ 255"),
        (np.zeros((4, *IMAGE), np.int64), "/ 127.5 - 1"),
        (np.linspace(0, 255, 4 * 16).reshape(4, *IMAGE), "0..255"),
        (np.linspace(-55, 55, 4 * 16).reshape(4, *IMAGE), "taken"),
        (np.where(np.arange(64) == 40, np.nan, 0.0).reshape(4, *IMAGE), "NaN"),
        (np.where(np.arange(64) == 40, np.inf, 0.0).reshape(4, *IMAGE), "Inf"),
        (np.where(np.arange(64) == 40, 1e300, 0.0).reshape(4, *IMAGE), "float32"),
        (np.zeros((4, 5, 4, 1), np.float32), "(5, 4, 1)"),
    ],
)
def test_examples_are_checked(reader, form, x, words):
    message = refused(reader, forms(x)[form], shape=IMAGE)
    assert words in message
    if words in ("NaN", "Inf", "float32"):
        assert ("example 2" if form == "array" else "batch 0") in message


@pytest.mark.parametrize("form", ["py_dataset", "generator"])
@pytest.mark.parametrize(
    ("value", "dtype", "label", "words"),
    [
        (0.5, "float64", 2, "taken"),
        (1, "uint8", 0, "/ 255"),
        (255.0, "float32", 0, "0..255"),
        (np.nan, "float16", 0, "NaN"),
        (1e300, "float64", 0, "float32"),
        (0.5, "float32", 3, "from 0 to 2"),
    ],
)
def test_batches_from_python_are_checked_too(form, value, dtype, label, words):
    x, y = np.full((4, *IMAGE), value, dtype), np.full((4, 1), label)
    assert words in refused(train, forms(x, y)[form], shape=IMAGE, label_check=ClassRange(3))


def test_points_may_have_any_scale(reader):
    assert refused(reader, 1e6 * numbers(8)) == "taken"


def test_the_number_of_the_batch_is_named(reader):
    x = numbers(40)
    x[21] = np.nan
    assert "batch 5" in refused(reader, tf.data.Dataset.from_tensor_slices(x).batch(4))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: tf.data.Dataset.from_tensor_slices(np.zeros((9, 4, 4, 1))), ".batch(m)"),
        (lambda: tf.data.Dataset.from_tensors({"image": np.zeros((9, 4, 4, 1))}), "tuple"),
        (
            lambda: tf.data.Dataset.from_tensor_slices(np.zeros((9, 4, 4, 1))).batch(2).take(0),
            "empty",
        ),
        (lambda: iter([]), "empty"),
        (lambda: Pieces([]), "empty"),
        (lambda: iter([{"image": np.zeros((9, 4, 4, 1))}]), "tuple"),
        (lambda: iter(np.zeros((9, 4, 4, 1))), ".batch(m)"),
        (lambda: [np.zeros((2, 4)), np.zeros((3, 4))], "one array"),
        (lambda: {"image": np.zeros((9, 4, 4, 1))}, "object"),
        (lambda: None, "object"),
        (lambda: np.zeros((0, 4, 4, 1)), "empty"),
    ],
)
def test_what_is_no_batch_of_examples(data, words):
    assert words in refused(train, data(), shape=IMAGE)


def test_a_data_set_or_a_split_in_place_of_its_examples_is_named():
    split = Split(np.float32(numbers(4)))
    for data in (split, DataSet("four", split, split, split)):
        with pytest.raises(InputError, match=f"train.x.*Received: {type(data).__name__}"):
            stream(data, batch_size=2)


def test_examples_whose_shape_is_known_late():
    def of_any_shape(x):
        return tf.data.Dataset.from_generator(
            lambda: [x], output_signature=tf.TensorSpec([None, None, None, 1], tf.float32)
        )

    assert refused(train, of_any_shape(np.zeros((4, *IMAGE))), shape=IMAGE) == "taken"
    message = refused(train, of_any_shape(np.zeros((4, 5, 4, 1))), shape=IMAGE)
    assert "batch 0" in message
    assert "(4, 4, 1)" in message


@pytest.mark.parametrize("form", ["dataset", "py_dataset", "generator"])
def test_sample_weights_are_refused_by_name(reader, form):
    x = numbers(4)
    weighted = {
        "dataset": tf.data.Dataset.from_tensors((x, np.zeros(4, int), np.ones(4))),
        "py_dataset": type("Weighted", (Pieces,), {"__getitem__": lambda *_: (x, x, x)})([4]),
        "generator": iter([(x, None, np.ones(4))]),
    }
    assert "sample weights" in refused(reader, weighted[form])


@pytest.mark.parametrize("form", ["array", "dataset"])
@pytest.mark.parametrize(
    ("labels", "label_check", "words"),
    [
        ([0, 1, 2, 0], ClassRange(3), "taken"),
        ([[0], [1], [2], [0]], ClassRange(3), "taken"),
        (np.uint8([0, 1, 2, 0]), ClassRange(3, least=-1), "taken"),
        ([0, 1, -1, 0], ClassRange(3, least=-1), "taken"),
        ([0, 1, 3, 0], ClassRange(3), "from 0 to 2"),
        ([0, 1, -1, 0], ClassRange(3), "from 0 to 2"),
        ([[0], [1], [3], [0]], ClassRange(3), "from 0 to 2"),
        ([0, 1, -2, 0], ClassRange(3, least=-1), "from -1 to 2"),
        ([0.0, 1.0, 2.0, 0.0], ClassRange(3, user="the condition"), "the condition takes"),
        (np.zeros((4, 2), int), ClassRange(3), "(4, 2)"),
        (np.zeros((4, 2)), VectorShape((2,)), "taken"),
        (np.zeros((4, 1)), VectorShape((1,)), "taken"),
        (np.zeros((4, 3)), VectorShape((2,)), "[n, 2]"),
        (np.full((4, 2), 1e300), VectorShape((2,)), "finite"),
        (np.zeros((4, 2, 2)), LabelCheck("a loss"), "taken"),
        (None, ClassRange(3, user="the condition"), "the condition is made from labels"),
    ],
)
def test_labels_are_checked(reader, form, labels, label_check, words):
    y = None if labels is None else np.asarray(labels)
    x = forms(numbers(4), y)[form]
    arguments = {"y": y} if form == "array" else {}
    message = refused(reader, x, label_check=label_check, **arguments)
    assert words in message


def test_a_column_of_classes_becomes_a_vector(reader):
    x, y = numbers(4), np.arange(4)[:, None]
    for data, arguments in ((x, {"y": y}), (tf.data.Dataset.from_tensors((x, y)), {})):
        ((_, classes),) = reader(data, label_check=ClassRange(4), **arguments)
        assert classes.shape == (4,)
    model = small.conditional_gan()
    model.fit(small.examples(8), np.zeros((8, 1), int), batch_size=4, verbose=0)


@pytest.mark.parametrize("form", ["py_dataset", "generator"])
@pytest.mark.parametrize(
    ("late", "words"),
    [((numbers(2),) * 3, "sample weights"), (np.zeros((2, 3), np.float32), "shapes"), (4.0, "[m")],
)
def test_a_late_batch_from_python_is_refused_in_one_line(form, late, words):
    class Late(Pieces):
        def __getitem__(self, index):
            return late if index == 2 else numbers(2)

    data = Late([2] * 4)
    with pytest.raises(tf.errors.OpError) as error:
        list(train(data if form == "py_dataset" else iter(list(data))))
    message = str(input_checks.input_error(error.value))
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("label_check", [None, LabelCheck("a loss")])
@pytest.mark.parametrize("form", ["dataset", "py_dataset", "generator"])
def test_batches_have_as_many_labels_as_examples(reader, form, label_check):
    data = forms(numbers(4), np.zeros(3))[form]
    assert "another number of labels" in refused(reader, data, label_check=label_check)


@pytest.mark.parametrize("form", ["py_dataset", "generator"])
@pytest.mark.parametrize(
    ("first", "later", "words"),
    [
        ([0, 1], [2, 1], "taken"),  # lists, as in tf.data
        (np.uint8([0, 1]), np.array([2, 1]), "taken"),
        (np.uint8([0, 1]), np.array([257, 1]), "uint8 as in the first one. Received: int64"),
        (np.array([0, 1]), np.array([0.5, 1]), "int64 as in the first one. Received: float64"),
        (np.array([False, True]), np.array([2, 1]), "bool as in the first one. Received: int64"),
        ((0, 1), (0, 1), "arrays [m, ...]. Received: tuple of scalars"),
        ({"class": [0, 1]}, {}, "arrays [m, ...]. Received: dict of scalars"),
    ],
)
def test_labels_of_later_batches_keep_their_values(form, first, later, words):
    batches = [(numbers(2), first), (numbers(2), later)]
    data = type("Late", (Pieces,), {"__getitem__": lambda _, index: batches[index]})([2, 2])
    assert words in refused(train, data if form == "py_dataset" else iter(batches))


def test_labels_that_nothing_uses_are_named(caplog):
    stream(numbers(4), np.zeros(4), batch_size=2)
    assert "labels" in caplog.text
    caplog.clear()
    stream(numbers(4), np.zeros(4), batch_size=2, label_check=LabelCheck("a loss"))
    assert not caplog.text


def test_labels_of_another_number():
    with pytest.raises(InputError, match="4 examples but 3 labels"):
        stream(numbers(4), np.zeros(3), batch_size=2)


def test_batches_of_arrays_for_evaluation_keep_their_order():
    assert read(evaluation(numbers(7), batch_size=3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert int(evaluation(numbers(7), batch_size=3).cardinality()) == 3
    with pytest.raises(InputError, match="batch_size"):
        evaluation(numbers(7), batch_size=0)


@pytest.mark.parametrize("batch", [tf.constant(1.0), "sentence"])
def test_errors_of_others_are_not_taken_for_ours(batch):
    error = tf.errors.InvalidArgumentError(None, None, f"no batch: {batch}")
    assert input_checks.input_error(error) is None


def test_minibatches_of_several_sizes_after_each_other():
    model = small.gan()
    for m in (8, 20, 10):
        model.fit(small.examples(40), batch_size=m, verbose=0)
    assert int(model.step.numpy()) == 5 + 2 + 4
