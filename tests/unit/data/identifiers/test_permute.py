"""The order of made-up values: nothing twice, nothing left out, nothing in sequence."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tabveil.data.identifiers.permute import scatter


@given(size=st.integers(1, 400), salt=st.integers(0, 2**32))
def test_every_number_comes_once(size, salt):
    assert sorted(scatter(k, size=size, salt=salt) for k in range(size)) == list(range(size))


@given(size=st.integers(1, 2**400), salt=st.integers(0, 2**32), number=st.integers(0, 2**400))
def test_images_stay_inside_however_large_the_range(size, salt, number):
    assert 0 <= scatter(number % size, size=size, salt=salt) < size


def test_another_salt_gives_another_order():
    orders = {tuple(scatter(k, size=50, salt=salt) for k in range(50)) for salt in range(20)}
    assert len(orders) == 20


def test_neighbours_do_not_stay_neighbours():
    images = np.array([scatter(k, size=10**6, salt=3) for k in range(5000)])
    assert abs(np.corrcoef(images[:-1], images[1:])[0, 1]) < 0.06
    assert len(np.unique(np.diff(images))) > 4900
