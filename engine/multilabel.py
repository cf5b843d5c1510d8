"""Fit a multilabel head: for each tag, a logistic regression against all the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.backbones import Card
from engine.fitting import FOLDS, LOG_TEMPERATURES, MOST_FOR_SEARCH, STRENGTHS, CannotFit, Check, Choice, never, search
from engine.heads import Floats, Head, linear, normalised, sigmoid
from engine.metrics import Flags, Indices
from engine.regression import Weights, one_vs_rest

_LEAST = 2
_SMALLEST = 1e-300


@dataclass(frozen=True)
class Examples:
    """Vectors with all their tags."""

    vectors: Floats
    """(n, vector_length), as the backbone gives them."""
    truths: Flags
    """(n, tags), True where the picture has the tag; a row may have none."""
    groups: Indices | None = None
    """(n,), equal for near-duplicates, which folds keep together; None: there are none."""


def fit(
    examples: Examples,
    *,
    tags: Sequence[str],
    card: Card,
    calibration: Examples | None = None,
    seed: int = 0,
    strengths: Sequence[float] = STRENGTHS,
    check: Check = never,
) -> Head:
    """Return a head whose C and temperature have the least log-loss on `calibration`, or else on folds.

    Every tag needs two examples. `check` is called at every step and may raise.
    Raises CannotFit.
    """
    check_examples(examples, tags=tags)
    choice = choose(examples, calibration=calibration, seed=seed, strengths=strengths, check=check)
    return fit_as_chosen(examples, choice, tags=tags, card=card, check=check)


def choose(
    examples: Examples,
    *,
    calibration: Examples | None,
    seed: int = 0,
    strengths: Sequence[float] = STRENGTHS,
    check: Check = never,
) -> Choice:
    """Return the C and temperature with the least loss on unseen examples; see `fit`."""
    searched = _sample(examples, seed=seed)
    truths = searched.truths if calibration is None else calibration.truths

    def judged(strength: float) -> Choice:
        return _judge(
            strength, _unseen_logits(searched, calibration, strength=strength, seed=seed, check=check), truths
        )

    return search(judged, strengths=strengths)


def fit_as_chosen(
    examples: Examples,
    choice: Choice,
    *,
    tags: Sequence[str],
    card: Card,
    check: Check = never,
) -> Head:
    """Return the head of all examples with the C and temperature that were chosen."""
    weights, bias = regress(examples, strength=choice.strength, check=check)
    return Head(
        tags=tuple(tags),
        backbone=card.name,
        backbone_sha256=card.sha256,
        weights=weights,
        bias=bias,
        temperature=choice.temperature,
        multilabel=True,
    )


def cross_validated(examples: Examples, choice: Choice, *, seed: int = 0, check: Check = never) -> Floats:
    """Return (n, tags), the probabilities of each example by regressions on the folds that it is not in."""
    logits = _unseen_logits(examples, None, strength=choice.strength, seed=seed, check=check)
    return sigmoid(logits, temperature=choice.temperature).astype(np.float32)


def regress(examples: Examples, *, strength: float, start: Weights | None = None, check: Check = never) -> Weights:
    """Return the weights of one logistic regression for each tag; see `one_vs_rest`."""
    return one_vs_rest(normalised(examples.vectors), examples.truths, strength=strength, start=start, check=check)


def log_loss(logits: Floats, truths: Flags, *, temperature: float) -> float:
    """Return the mean log-loss in nats over all pairs of picture and tag, each truth believed to (n + 1) / (n + 2)."""
    shares = np.clip(sigmoid(logits, temperature=temperature), _SMALLEST, 1 - 1e-16)
    believed = np.where(truths, (len(truths) + 1) / (len(truths) + 2), 1 / (len(truths) + 2))
    return float(-(believed * np.log(shares) + (1 - believed) * np.log(1 - shares)).mean())


def _judge(strength: float, logits: Floats, truths: Flags) -> Choice:
    """Return that C with the temperature that has the least log-loss on these logits, and that loss."""

    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        return log_loss(logits, truths, temperature=float(np.exp(log_temperature)))

    found = minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded", options={"xatol": 1e-4})
    return Choice(strength, float(np.exp(found.x)), float(found.fun))


def _unseen_logits(
    examples: Examples, calibration: Examples | None, *, strength: float, seed: int, check: Check
) -> Floats:
    """Return logits of pictures that the regression has not seen: the calibration's, or each fold's by the others."""
    from sklearn.model_selection import GroupKFold

    if calibration is not None:
        return linear(calibration.vectors, *regress(examples, strength=strength, check=check))
    logits = np.empty(examples.truths.shape, dtype=np.float32)
    groups = np.arange(len(logits)) if examples.groups is None else examples.groups
    splitter = GroupKFold(min(FOLDS, len(set(groups.tolist()))), shuffle=True, random_state=seed)
    for rest, fold in splitter.split(examples.vectors, groups=groups):
        fitted = regress(Examples(examples.vectors[rest], examples.truths[rest]), strength=strength, check=check)
        logits[fold] = linear(examples.vectors[fold], *fitted)
    return logits


def _sample(examples: Examples, *, seed: int) -> Examples:
    """Return about MOST_FOR_SEARCH examples at most, with some of each tag."""
    count = len(examples.truths)
    if count <= MOST_FOR_SEARCH:
        return examples
    order = np.random.default_rng(seed).permutation(count)
    some_of_each = [order[truth[order]][:FOLDS] for truth in examples.truths.T]
    kept = np.unique(np.concatenate([order[:MOST_FOR_SEARCH], *some_of_each]))
    groups = None if examples.groups is None else examples.groups[kept]
    return Examples(examples.vectors[kept], examples.truths[kept], groups)


def check_examples(examples: Examples, *, tags: Sequence[str]) -> None:
    """Raise CannotFit unless there is a tag, and each has two examples."""
    if not tags:
        raise CannotFit("There are no tags, at least 1 is needed.")
    for tag, found in zip(tags, examples.truths.sum(axis=0), strict=True):
        if found < _LEAST:
            raise CannotFit(f"Tag {tag!r} has {found} examples, at least {_LEAST} are needed.")
