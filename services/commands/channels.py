"""`citewatch notify test`: one message to each channel, to see that it arrives."""

from pathlib import Path

from services import terminal
from services.embedded import opened
from services.notify.app import send_test


async def test(data_dir: Path | None) -> int:
    """Send, and print what came of it; 1 when a channel did not take the message, 2 when there is none."""
    async with opened(data_dir, alerts=True) as system:
        assert system.notify is not None
        done = await send_test(system.notify)
    for channel, recipient, sent in done:
        print(terminal.safe(f"{channel} {recipient}: {sent.result} {sent.detail}".rstrip()))
    if not done:
        print("No channel is configured: set CITEWATCH_SMTP_URL and CITEWATCH_MAIL_TO, or another channel.")
        return 2
    return 0 if all(sent.result == "delivered" for *_, sent in done) else 1
