"""Which Gaussian modes does a column of numbers have, found in a moment?

The paper fits a variational Gaussian mixture to every numeric column (Xu et al. 2019,
arXiv:1907.00503, section 4.2), which picks the number of modes itself. A fit over all rows takes
most of the time before the first training step. In one dimension nothing is lost by fitting to
weighted points instead: the distinct values with their counts, or, where they are many, the means
of equally full bins of the sorted values.

Variational updates: Bishop 2006, Pattern Recognition and Machine Learning, section 10.2; the
stick-breaking weights: Blei and Jordan 2006, Variational inference for Dirichlet process
mixtures, Bayesian Analysis 1(1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

Floats = NDArray[np.float64]

MAX_POINTS = 500
"""Distinct values up to here are taken as they are; beyond, so many bins stand for them."""
N_COMPONENTS = 10
"""Of the paper: at most ten modes a column."""
_CONCENTRATION = 1e-3
"""Of the paper's fit: small, so that components without need keep no weight."""
_N_LLOYD, _MAX_STEPS, _TOLERANCE = 10, 100, 1e-3


def weighted_points(values: Floats) -> tuple[Floats, Floats]:
    """Points and the rows that each stands for, both shape (n_points,), points ascending.

    Args:
        values: shape (n,), n >= 1, finite.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= MAX_POINTS:
        return distinct, counts.astype(np.float64)
    edges = np.linspace(0, len(values), MAX_POINTS + 1).astype(np.int64)
    ordered = np.repeat(distinct, counts)
    sizes = np.diff(edges)
    return np.add.reduceat(ordered, edges[:-1]) / sizes, sizes.astype(np.float64)


def fit_mixture(
    points: Floats, counts: Floats, *, n_components: int = N_COMPONENTS
) -> tuple[Floats, Floats, Floats]:
    """Fit a Dirichlet-process mixture of Gaussians to weighted points.

    Args:
        points: shape (n_points,), ascending, at least two different ones.
        counts: shape (n_points,), the rows at each, above 0.
        n_components: modes at most.

    Returns:
        Means, standard deviations and shares of the rows (summing to 1), each shape (k,),
        k <= min(n_components, n_points); some shares may be next to nothing.
    """
    total = counts.sum()
    reach = float(points[-1] - points[0])  # first to [0, 1]: squares of tiny numbers would vanish
    unit = (points - points[0]) / reach
    middle = float(unit @ counts / total)
    deviation = float(np.sqrt(((unit - middle) ** 2) @ counts / total))
    x = (unit - middle) / deviation
    center, scale = float(points[0]) + middle * reach, deviation * reach
    k = min(n_components, len(x))
    resp = _first_guess(x, counts, k)
    for _ in range(_MAX_STEPS):
        n = counts @ resp
        mean = (counts * x) @ resp / (1 + n)  # a prior mean of 0, worth one row
        spread = (counts[:, None] * resp * (x[:, None] - mean) ** 2).sum(axis=0) + mean**2
        freedom = 1 + n
        width = 1 + spread  # a prior variance of 1, worth one row
        log_density = 0.5 * (
            digamma(freedom / 2)
            - np.log(width)
            - freedom / width * (x[:, None] - mean) ** 2
            - 1 / (1 + n)
        )
        new = log_density + _log_weights(n)
        new = np.exp(new - new.max(axis=1, keepdims=True))
        new /= new.sum(axis=1, keepdims=True)
        change = float(np.abs(new - resp).max())
        resp = new
        if change < _TOLERANCE:
            break
    n = counts @ resp
    order = np.argsort(mean)
    stds = np.sqrt(width / freedom)
    return mean[order] * scale + center, stds[order] * scale, (n / total)[order]


def _first_guess(x: Floats, counts: Floats, k: int) -> Floats:
    """Hard assignments to `k` clusters, from quantiles and a few steps of k-means."""
    edges = (np.cumsum(counts) - counts / 2) / counts.sum()
    centers = np.unique(np.interp((np.arange(k) + 0.5) / k, edges, x))
    for _ in range(_N_LLOYD):
        nearest = np.searchsorted((centers[1:] + centers[:-1]) / 2, x)
        mass = np.bincount(nearest, counts, minlength=len(centers))
        sums = np.bincount(nearest, counts * x, minlength=len(centers))
        centers = np.sort(np.where(mass > 0, sums / np.maximum(mass, 1e-12), centers))
    nearest = np.searchsorted((centers[1:] + centers[:-1]) / 2, x)
    return np.eye(len(centers))[nearest]


def _log_weights(n: Floats) -> Floats:
    """Expected log weights of the components under stick breaking, largest component first."""
    order = np.argsort(-n)
    ordered = n[order]
    later = ordered[::-1].cumsum()[::-1] - ordered
    both = digamma(1 + ordered + _CONCENTRATION + later)
    broken = digamma(1 + ordered) - both
    left = digamma(_CONCENTRATION + later) - both
    log_weights = np.empty_like(n)
    log_weights[order] = broken + np.concatenate([[0], left.cumsum()[:-1]])
    return log_weights
