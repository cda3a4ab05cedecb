"""Distances between real and generated examples, on pixels or on any features of them.

    frechet_distance    between the Gaussians of equal mean and covariance
    kid     unbiased maximum mean discrepancy

Both take arrays `[n, ...]` and flatten each example; for features other than pixels, give them what
`features` makes of the images by an extractor of yours. They compute in float64.
"""

from keras_gan.evaluation.distances.frechet import (
    ROWS,
    FrechetDistance,
    Moments,
    features,
    frechet_distance,
)
from keras_gan.evaluation.distances.kernel import KID, kid
from keras_gan.evaluation.distances.prdc import LEAST_EXAMPLES, PrecisionRecall, precision_recall

__all__ = [
    "FrechetDistance",
    "KID",
    "LEAST_EXAMPLES",
    "Moments",
    "ROWS",
    "PrecisionRecall",
    "features",
    "frechet_distance",
    "kid",
    "precision_recall",
]
