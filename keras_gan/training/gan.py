"""`GAN`: a generator and a discriminator as one Keras model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from keras_gan import conditioning, presets, priors
from keras_gan.conditioning import Condition
from keras_gan.core.arguments import defines, integer, weight, whole
from keras_gan.core.errors import InputError
from keras_gan.core.files import new_folder
from keras_gan.data import Identity, Preprocessing
from keras_gan.training import (
    compile_checks,
    network_checks,
    preset_files,
    sampling,
    standing_statistics,
)
from keras_gan.training.auxiliary import AuxiliaryNetwork
from keras_gan.training.discriminate import discriminate
from keras_gan.training.ema import EMA, AveragedNetwork
from keras_gan.training.input_checks import checked_array, checked_labels
from keras_gan.training.saved_variables import variables_of
from keras_gan.training.trainer import Trainer

# The constructor's arguments that are objects.
_PARTS = ("generator", "discriminator", "prior", "condition", "auxiliary_networks", "ema")


@keras.saving.register_keras_serializable("keras_gan")
class GAN(Trainer):
    """Generative adversarial nets (Goodfellow et al. 2014), trained by `fit`.

    A *step* is one update of the generator. It takes `discriminator_steps` = k minibatches of m
    examples each; `batch_size` is always m. Every random number is a function of the seed, the
    step, its purpose and the example's place in the global minibatch, so that results do not
    depend on the number of replicas.

    Args:
        generator: Keras model from latents float `[n, prior.dimension]` to examples float `[n,
            ...]`.
        discriminator: Keras model from examples to logits `[n, 1]` or `[n]`, or to a dict with
            "logits" and, for losses that require them, "features" and "classes" `[n, K]`.
        prior: One of `keras_gan.priors`.
        condition: One of `keras_gan.conditioning`, for networks whose further inputs have the names
            of its tensors; None for an unconditional model.
        auxiliary_networks: `keras_gan.training.auxiliary.AuxiliaryNetwork`s, each with a name of
            its own, which are trained next to G and D.
        seed: Seed of all random numbers of training. The networks' initial weights have their own.
        ema: Moving average of G's weights: a momentum in [0, 1) or a `keras_gan.EMA`; None keeps
            no average.
        **kwargs: Arguments of `keras.Model`.

    Attributes:
        presets: The built-in presets that `from_preset` loads, each with one line about it.

    Raises:
        InputError: The networks and the prior do not fit together.

    Example:
        >>> gan = keras_gan.GAN(generator, discriminator, prior=keras_gan.priors.Uniform(100))
        >>> gan.compile(
        ...     generator_optimizer=keras_gan.optimizers.MomentumSGD(0.1, momentum=0.5),
        ...     discriminator_optimizer=keras_gan.optimizers.MomentumSGD(0.1, momentum=0.5),
        ... )
        >>> gan.fit(images, batch_size=100, epochs=10)
        >>> samples = gan.generate(64, seed=0)
    """

    presets: ClassVar[Mapping[str, str]] = presets.BUILT_IN

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        prior: priors.Prior | None = None,
        *,
        condition: Condition | None = None,
        auxiliary_networks: Sequence[AuxiliaryNetwork] = (),
        seed: int = 0,
        ema: float | EMA | None = None,
        **kwargs,
    ):
        known = {
            name: kwargs.pop(name) for name in ("name", "dtype", "trainable") if name in kwargs
        }
        compile_checks.refuse_unknown("GAN()", kwargs)
        if prior is None:
            raise TypeError(
                "GAN() needs the distribution of z, such as `prior=keras_gan.priors.Normal(128)`"
            )
        super().__init__(**known)
        self.example_shape, self.discriminator_outputs = network_checks.check(
            generator, discriminator, prior, condition
        )
        for auxiliary in auxiliary_networks:
            if not isinstance(auxiliary, AuxiliaryNetwork):
                raise InputError(
                    "`auxiliary_networks` must be of subclasses of "
                    f"keras_gan.training.auxiliary.AuxiliaryNetwork. Received: {auxiliary!r}"
                )
            defines(auxiliary, AuxiliaryNetwork, "loss")
            auxiliary.check()
        names = [auxiliary.name for auxiliary in auxiliary_networks]
        if len(set(names)) < len(names):
            raise InputError(f"auxiliary networks need different names. Received: {names}")
        self.generator = generator
        self.discriminator = discriminator
        self.prior = prior
        self.condition = condition
        self.auxiliary_networks = list(auxiliary_networks)
        self._auxiliary_models = [auxiliary.network for auxiliary in auxiliary_networks]
        compile_checks.check_scope([*self.networks, *auxiliary_networks], self.distribute_strategy)
        if not known.get("trainable", True):  # which Keras does not pass on
            for network in self.networks:
                network.trainable = False
        self.seed = integer("seed", seed)
        self.ema = ema if isinstance(ema, EMA | None) else EMA(ema)
        self._average = None
        self.ema_generator = None
        if self.ema is not None:
            latents = keras.KerasTensor((None, prior.dimension), "float32")
            self._average = AveragedNetwork(generator, latents, "ema_generator")
            self.ema_generator = self._average.network
        self.step = self._counter("step")
        self.auxiliary_step = self._counter("auxiliary_step")
        self.images_seen = self._counter("images_seen")
        self.evaluated = self._counter("evaluated")
        self._nonfinite_step = self._counter("nonfinite_step", -1)
        object.__setattr__(self, "augmentation", None)
        object.__setattr__(self, "regularizers", [])
        self.dropped_examples: int | None = None
        self.train_function = None
        self.test_function = None
        self._samplers: dict[tuple, sampling.Sampler] = {}
        self.built = True

    def _counter(self, name: str, start: int = 0):
        initializer = keras.initializers.Constant(start)
        return self.add_weight(
            shape=(), dtype="int64", initializer=initializer, trainable=False, name=name
        )

    @property
    def networks(self) -> list[keras.Model]:
        """All networks that are trained: generator, discriminator, auxiliary networks."""
        return [self.generator, self.discriminator, *self._auxiliary_models]

    @property
    def auxiliary_variables(self) -> list[keras.Variable]:
        """The state of the auxiliary networks besides their weights."""
        weights = {id(variable) for network in self.networks for variable in network.variables}
        return [v for v in variables_of(self.auxiliary_networks) if id(v) not in weights]

    def call(self, inputs, training=False):
        """Returns G's output for its inputs: latents `[n, prior.dimension]`, and any condition."""
        return self.generator(inputs, training=training)

    def save(self, filepath, *args, **kwargs) -> None:
        """Saves all in a `.keras` file, as `keras.Model.save` does."""
        if str(filepath).endswith((".h5", ".hdf5")):
            raise InputError(f"a GAN is saved in a `.keras` file. Received: {filepath}")
        super().save(filepath, *args, **kwargs)

    def export(self, filepath, *args, **kwargs) -> None:
        """Exports the generator, as `keras.Model.export` does; `ema_generator` has its own."""
        self.generator.export(filepath, *args, **kwargs)

    def get_config(self) -> dict:
        """Returns the constructor's arguments, serialized."""
        serialize = keras.saving.serialize_keras_object
        parts = {part: serialize(getattr(self, part)) for part in _PARTS}
        return {"name": self.name, **parts, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> GAN:
        """Makes the model from `get_config`'s dictionary."""
        deserialize = keras.saving.deserialize_keras_object
        parts = {p: deserialize(config[p], custom_objects) for p in _PARTS if p in config}
        return cls(**{**config, **parts})

    # ---------------------------------------------------------------- presets

    @classmethod
    def from_preset(cls, preset: str | os.PathLike[str]) -> Self:
        """Loads a trained model. Nothing of the preset is run as Python.

        Args:
            preset: The name of a built-in preset (`GAN.presets`); `hf://USER/REPO`, with the
                package huggingface_hub; `kaggle://USER/MODEL/keras/NAME`, with kagglehub; or a
                directory that `save_to_preset` or `keras_gan.Run.to_preset` wrote.

        Returns:
            The model, which is not compiled.

        Raises:
            InputError: There is no such preset, or it is damaged or not safe to load.

        Example:
            >>> gan = keras_gan.GAN.from_preset("mnist_conditional")
            >>> threes = gan.generate(16, seed=0, condition=3)
        """
        model = preset_files.load(preset)
        if not isinstance(model, cls):
            raise InputError(f"{preset} holds no {cls.__name__}, but a {type(model).__name__}")
        return model

    def save_to_preset(
        self,
        directory: str | os.PathLike[str],
        *,
        ema: bool = False,
        preprocessing: Preprocessing | None = None,
        condition: Any = None,
    ) -> None:
        """Writes the model as a preset, with 40 samples and checksums.

        Weights are stored as float16; `save` stores them exactly, with the state of training. Of
        a run, `keras_gan.Run.to_preset` also writes its numbers and a model card.

        Args:
            directory: A new directory.
            ema: True stores the moving average of G's weights.
            preprocessing: From the data to the scale of the networks: of images
                `keras_gan.data.UnitRange()`, [0, 1], or another one of `keras_gan.data`; None:
                the examples are points.
            condition: The condition of the samples, an array as for `generate`; by default
                each class in turn, and any other condition is drawn.

        Raises:
            InputError: The directory exists, there is no average, the weights do not fit into
                float16, or the model cannot be loaded again.
        """
        generator = self._generator(ema)
        name = Path(directory).resolve().name
        config = preset_files.describe(self, name, preprocessing or Identity())
        config["preset"] = {"weights": "ema" if ema else "last"}
        with new_folder(directory) as folder:
            preset_files.write(folder, self, generator, config, condition)
            presets.seal(folder)

    # --------------------------------------------------------------- sampling

    def generate(
        self,
        n: int,
        seed: int = 0,
        *,
        condition: Any = None,
        ema: bool = False,
        batch_size: int = 1000,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """Generates examples, in inference mode.

        Row `i` depends on the pair (seed, i) and its condition alone, by a hash: it is the same in
        any call and in exported models. It is not if G draws noise other than that of
        `keras_gan.layers`, or compares rows, as `MinibatchStd` does.

        Args:
            n: Number of examples.
            seed: Any int.
            condition: For a conditional model: one for all, or one for each row; drawn if None.
            ema: True uses the moving average of G's weights.
            batch_size: Examples generated at a time.
            truncation: What z is multiplied by, at least 0: with less than 1 examples are cleaner
                and more alike, with more than 1 they vary more. It is the truncation psi of
                Karras et al. 2019 (arXiv:1812.04948, appendix B), of z instead of w.

        Returns:
            float32 `[n, *example_shape]`, G's own output: on the scale of the training data.

        Raises:
            InputError: `n` or `truncation` is negative, there is no average, or the condition does
                not fit.
        """
        generator = self._generator(ema)
        # A graph has the weights that G had: `quantize` and `enable_lora` give it others.
        key = (ema, weight("truncation", truncation), *map(id, generator.weights))
        if key not in self._samplers:
            generator = sampling.truncated(generator, self.prior, truncation)
            self._samplers[key] = sampling.Sampler(generator, self.prior, self.condition)
        return self._samplers[key](n, seed, condition, batch_size)

    def recompute_statistics(
        self,
        x: np.ndarray | None = None,
        y: np.ndarray | None = None,
        *,
        batches: int = 100,
        batch_size: int = 64,
        seed: int = 0,
        ema: bool = False,
    ) -> None:
        """Gives batch normalization in G the statistics of G's present weights.

        In training they lag behind, and those of the EMA generator are averages of the raw
        generator's, like its weights: call it once before samples are drawn. They become means over
        new batches ("standing statistics", Brock et al. 2019, arXiv:1809.11096, appendix B).
        `keras-gan train` does this for the EMA generator before each distance or likelihood, and at
        the end.

        Args:
            x: Examples `[n, ...]`: samples have the conditions of random ones, as in training.
                Without them, conditions are drawn as for `generate`.
            y: Their labels, where the condition uses them.
            batches: Number of batches.
            batch_size: Samples of each, as in training.
            seed: Seed of their latents and conditions.
            ema: True for the EMA generator.

        Raises:
            InputError: G has no batch normalization, there is no EMA, or the data do not fit.
        """
        if x is not None:
            x = checked_array(x, self.example_shape)
            y = checked_labels(y, len(x), self.label_check)
        elif y is not None:
            raise InputError("`y` are the labels of examples: give `x`, too")
        standing_statistics.recompute(
            self._generator(ema),
            self.prior,
            self.condition,
            x,
            y,
            batches=batches,
            batch_size=batch_size,
            seed=seed,
        )

    def _generator(self, ema: bool) -> keras.Model:
        if ema and self.ema_generator is None:
            raise InputError("this model keeps no EMA of its weights; make it with `ema=0.999`")
        return self.ema_generator if ema else self.generator

    @property
    def names_classes(self) -> bool:
        """Whether D returns class scores, so that `classify` can be used."""
        return "classes" in self.discriminator_outputs

    def classify(
        self, x: np.ndarray, *, condition: Any = None, batch_size: int = 1000
    ) -> np.ndarray:
        """Class probabilities of examples, from a discriminator that returns class scores.

        Args:
            x: Examples, float `[n, *example_shape]`, on the scale of the training data.
            condition: For a conditional model: one for all, or one for each row.
            batch_size: Examples in one pass.

        Returns:
            float32 `[n, K]`, rows with the sum 1: p(class given x, and that x is real).

        Raises:
            InputError: D returns no class scores, or the examples or the condition do not fit.
        """
        if not self.names_classes:
            raise InputError(
                "the discriminator returns no class scores; make it with "
                "networks.maxout_discriminator(classes=K)"
            )
        x = checked_array(x, self.example_shape)
        tensors: dict[str, np.ndarray] = {}
        if self.condition is not None and conditioning.condition_inputs(self.discriminator):
            if condition is None:
                raise InputError(f"D has the condition {self.condition}: give `condition`")
            tensors = self.condition.checked(condition, len(x))
        scores = []
        for i in range(0, len(x), whole("batch_size", batch_size)):
            rows = slice(i, i + batch_size)
            given = {name: tf.constant(tensor[rows]) for name, tensor in tensors.items()}
            examples = tf.constant(x[rows])
            scores.append(discriminate(self.discriminator, examples, given).classes)
        return tf.nn.softmax(tf.concat(scores, axis=0)).numpy()
