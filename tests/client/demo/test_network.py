"""The gradient is the loss's own, and following it tells digits apart."""

from __future__ import annotations

import numpy as np
import pytest

from tbxd_client.demo import digits
from tbxd_client.demo.network import Network


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    batch = digits.draw(0, 0, 16)
    rate = 1e-4
    network = Network(1, digits.PIXELS, 8, digits.CLASSES)
    before, norm = network.train(batch.images, batch.labels, rate)
    after = network.evaluate(batch.images, batch.labels)
    # The first step has no momentum yet: it goes rate * gradient, down a slope of its norm.
    assert before.loss - after.loss == pytest.approx(rate * norm**2, rel=0.02)


def test_an_evaluation_changes_nothing() -> None:
    batch = digits.draw(0, 0, 16)
    network = Network(1, digits.PIXELS, 8, digits.CLASSES)
    assert network.evaluate(batch.images, batch.labels) == network.evaluate(
        batch.images, batch.labels
    )


def test_it_learns() -> None:
    unseen = digits.draw(3, 0, 500)
    network = Network(1, digits.PIXELS, 32, digits.CLASSES)
    before = network.evaluate(unseen.images, unseen.labels)
    for number in range(100):
        batch = digits.draw(2, number, 64)
        network.train(batch.images, batch.labels, 0.1)
    after = network.evaluate(unseen.images, unseen.labels)
    assert before.accuracy < 0.3
    assert after.accuracy > 0.85
    assert after.loss < before.loss / 3


def test_it_is_the_same_for_the_same_seed() -> None:
    batch = digits.draw(0, 0, 16)
    outcomes = [
        Network(seed, digits.PIXELS, 8, digits.CLASSES).evaluate(batch.images, batch.labels)
        for seed in (1, 1, 2)
    ]
    assert outcomes[0] == outcomes[1] != outcomes[2]


def test_hopeless_scores_have_a_finite_loss() -> None:
    network = Network(1, 4, 8, 2)
    images = np.full((1, 4), 255, np.uint8)
    for label in (0, 1):
        outcome, norm = network.train(images, np.array([label], np.uint8), 1e3)
        assert np.isfinite(outcome.loss)
        assert np.isfinite(norm)
