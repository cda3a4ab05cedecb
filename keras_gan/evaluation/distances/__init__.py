"""Distances between real and generated examples, on pixels or on any features of them.

    frechet_distance    between the Gaussians of equal mean and covariance
    kid                 unbiased maximum mean discrepancy
    precision_recall    precision and recall, density and coverage

All take arrays `[n, ...]`, flatten each example and compute in float64; too few examples, unequal
dimensions, NaN and infinite numbers raise `InputError`. The first and the last depend on the number
of examples: `equal_numbers` gives as many of either kind.
"""

from keras_gan.evaluation.arrays import equal_numbers
from keras_gan.evaluation.distances.frechet import FrechetDistance, frechet_distance
from keras_gan.evaluation.distances.kernel import KID, kid
from keras_gan.evaluation.distances.prdc import LEAST_EXAMPLES, PrecisionRecall, precision_recall

__all__ = [
    "FrechetDistance",
    "KID",
    "LEAST_EXAMPLES",
    "PrecisionRecall",
    "equal_numbers",
    "frechet_distance",
    "kid",
    "precision_recall",
]
