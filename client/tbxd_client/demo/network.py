"""A network of one hidden layer, its gradient written out, trained by gradient descent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a network did on one batch."""

    loss: float
    """Mean cross-entropy, in nats."""
    accuracy: float
    """Share of the images told right, 0 to 1."""


class Network:
    """Images of ``pixels`` bytes in, one of ``classes`` out.

    Args:
        seed: of the initial weights.
        pixels: of one image.
        hidden: units of the hidden layer.
        classes: to tell apart.
    """

    _MOMENTUM = 0.9

    def __init__(self, seed: int, pixels: int, hidden: int, classes: int) -> None:
        random = np.random.default_rng(seed)

        def layer(inputs: int, outputs: int) -> Array:
            # Scaled by its inputs, so that activations keep their size (He et al., 2015).
            spread = np.sqrt(2.0 / inputs)
            return random.normal(0.0, spread, (inputs, outputs)).astype(np.float32)

        self._parameters = [
            *(layer(pixels, hidden), np.zeros(hidden, np.float32)),
            *(layer(hidden, classes), np.zeros(classes, np.float32)),
        ]
        self._velocities = [np.zeros_like(each) for each in self._parameters]

    def train(
        self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], rate: float
    ) -> tuple[Outcome, float]:
        """Take one step downhill; return the outcome before it and the gradient's norm.

        Args:
            images: (size, pixels).
            labels: (size,).
            rate: learning rate.
        """
        inputs, hidden, chances = self._forward(images)
        outcome = _judge(chances, labels)
        errors = chances
        errors[np.arange(len(labels)), labels] -= 1.0
        errors /= len(labels)
        back = (errors @ self._parameters[2].T) * (hidden > 0.0)
        gradients = [inputs.T @ back, back.sum(axis=0), hidden.T @ errors, errors.sum(axis=0)]
        for parameter, velocity, gradient in zip(
            self._parameters, self._velocities, gradients, strict=True
        ):
            velocity *= self._MOMENTUM
            velocity -= rate * gradient
            parameter += velocity
        norm = np.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))
        return outcome, float(norm)

    def evaluate(self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> Outcome:
        """Return how the network does on ``images``, and learn nothing from them."""
        _, _, chances = self._forward(images)
        return _judge(chances, labels)

    def _forward(self, images: npt.NDArray[np.uint8]) -> tuple[Array, Array, Array]:
        """Return inputs, hidden activations and the chances of each class."""
        first, first_bias, second, second_bias = self._parameters
        inputs = images.astype(np.float32) / 255.0 - 0.2
        hidden = np.maximum(inputs @ first + first_bias, 0.0)
        scores = hidden @ second + second_bias
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        return inputs, hidden, chances


def _judge(chances: Array, labels: npt.NDArray[np.uint8]) -> Outcome:
    right = chances[np.arange(len(labels)), labels]
    return Outcome(
        loss=float(-np.log(np.maximum(right, 1e-12)).mean()),
        accuracy=float((chances.argmax(axis=1) == labels).mean()),
    )
