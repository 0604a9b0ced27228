"""The dashboard and how Grafana finds it."""
