"""Turns changes into alerts, and alerts into mail, Slack messages and webhooks, once each."""
