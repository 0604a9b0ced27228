"""The schedule against a fixed interval and against known rates, small (`make simulate-schedule` is the whole)."""

from tests.bench.simulate_schedule import compare


def test_changes_are_noticed_sooner_than_at_a_fixed_interval_and_nearly_as_soon_as_with_known_rates() -> None:
    found = compare(number=400, days=720, seed=3)
    assert abs(found["ours"].fetches / found["fixed"].fetches - 1) < 0.05
    assert found["ours"].mean <= 0.7 * found["fixed"].mean
    assert found["ours"].mean <= 1.25 * found["optimum"].mean
