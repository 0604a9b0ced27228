"""All SQL of notify."""

CHANNEL = "notify"
"""What `Database.listen` takes to be woken by news, and by messages to send."""
