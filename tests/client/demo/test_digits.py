"""The task is a fixed one, and can be learnt from its images alone."""

from __future__ import annotations

import numpy as np

from tbxd_client.demo import digits


def test_a_batch_depends_on_its_number_alone() -> None:
    first, again = digits.draw(7, 3, 32), digits.draw(7, 3, 32)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.labels, again.labels)
    assert np.array_equal(first.turns, again.turns)
    for other in (digits.draw(7, 4, 32), digits.draw(8, 3, 32)):
        assert not np.array_equal(first.images, other.images)


def test_shapes_and_ranges() -> None:
    batch = digits.draw(0, 0, 200)
    assert batch.images.shape == (200, digits.PIXELS)
    assert batch.images.dtype == np.uint8
    assert set(batch.labels.tolist()) == set(range(digits.CLASSES))
    share_of_ink = batch.images.mean(axis=1) / 255
    assert (share_of_ink > 0.05).all()
    assert (share_of_ink < 0.6).all()


def test_no_two_images_are_alike() -> None:
    images = digits.draw(0, 0, 200).images
    assert len(np.unique(images, axis=0)) == 200


def test_the_digits_look_different() -> None:
    # The mean image of a digit is nearest to other drawings of that digit, far more often than
    # the tenth of the cases that chance would give.
    known, unknown = digits.draw(1, 0, 2000), digits.draw(1, 1, 500)
    means = np.stack([known.images[known.labels == digit].mean(axis=0) for digit in range(10)])
    distances = ((unknown.images[:, None].astype(float) - means[None]) ** 2).sum(axis=-1)
    assert (distances.argmin(axis=1) == unknown.labels).mean() > 0.6
