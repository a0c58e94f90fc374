"""Against whom a wrong secret is counted."""

from __future__ import annotations

import pytest

from app.access.limits.attempts import Attempts


@pytest.mark.parametrize(
    ("tried", "other", "the_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("?", "testclient", False),
    ],
)
def test_a_network_of_ipv6_is_one_person_and_an_address_of_ipv4(tried: str, other: str, the_same: bool) -> None:
    attempts = Attempts(most=1)
    attempts.count(tried)
    assert attempts.closed_for(tried)
    assert attempts.closed_for(other) is the_same
    attempts.forgive(tried)
    assert not attempts.closed_for(other)
