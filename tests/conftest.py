"""Fixtures that every test may ask for."""

pytest_plugins = [
    "tests.support.faults", "tests.support.guard", "tests.support.loops", "tests.support.stack",
    "tests.support.webarchive",
]  # fmt: skip
