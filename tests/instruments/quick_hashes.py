"""A hasher of passwords for tests of something else: thousands of times cheaper than the one of the page."""

from argon2 import PasswordHasher

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
