"""Times of day in a zone: the daily digest, quiet hours."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.notify.core.rules import Hours


def next_at(at: time, zone: str, after: datetime) -> datetime:
    """The first moment after `after` at which the clocks of the zone show `at` (aware, UTC)."""
    local = after.astimezone(ZoneInfo(zone))
    day = datetime.combine(local.date(), at, ZoneInfo(zone))
    while day.astimezone(UTC) <= after:
        day += timedelta(days=1)
    return day.astimezone(UTC)


def quiet_until(hours: Hours | None, now: datetime) -> datetime | None:
    """The end of the quiet hours that `now` lies in; None outside them."""
    if hours is None or hours.start == hours.end:
        return None
    clock = now.astimezone(ZoneInfo(hours.zone)).time()
    over_midnight = hours.start > hours.end
    inside = (clock >= hours.start or clock < hours.end) if over_midnight else hours.start <= clock < hours.end
    return next_at(hours.end, hours.zone, now) if inside else None
