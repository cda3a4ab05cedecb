"""Distances between real and generated examples, on pixels or on any features of them.

    frechet_distance                between the Gaussians of equal mean and covariance
    frechet_distance_at_infinity    the same, extrapolated to infinitely many examples
    kid                             unbiased maximum mean discrepancy
    precision_recall                precision and recall, density and coverage
    inception_score                 of a classifier's answers; compares with nothing
    standard_error                  of any of them, from random halves of the examples
    compare                         all that the numbers of examples and features allow

All take arrays `[n, ...]`, flatten each example and compute in float64; too few examples, unequal
dimensions, NaN and infinite numbers raise `InputError`. `compare` gives each of them equal numbers
of real and generated examples, as `equal_numbers` does, because most depend on the number; called
by itself, `kid` uses all examples of either kind.
"""

from keras_gan.evaluation.arrays import equal_numbers
from keras_gan.evaluation.distances.comparison import OVERLAPS, compare
from keras_gan.evaluation.distances.errors import standard_error
from keras_gan.evaluation.distances.frechet import (
    FrechetDistance,
    FrechetDistanceAtInfinity,
    frechet_distance,
    frechet_distance_at_infinity,
)
from keras_gan.evaluation.distances.kernel import KID, kid
from keras_gan.evaluation.distances.prdc import LEAST_EXAMPLES, PrecisionRecall, precision_recall
from keras_gan.evaluation.distances.score import InceptionScore, inception_score

__all__ = [
    "FrechetDistance",
    "FrechetDistanceAtInfinity",
    "InceptionScore",
    "KID",
    "LEAST_EXAMPLES",
    "OVERLAPS",
    "PrecisionRecall",
    "compare",
    "equal_numbers",
    "frechet_distance",
    "frechet_distance_at_infinity",
    "inception_score",
    "kid",
    "precision_recall",
    "standard_error",
]
