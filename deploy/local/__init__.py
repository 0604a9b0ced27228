"""Real Kafka, PostgreSQL, S3, Prometheus and Alertmanager on loopback, without containers: for trying and for tests.

Standard library only, so that it runs before anything is installed. `stack` is the command; each other module is one
component: how its programs are found or fetched, how it is started, how one tells that it is ready.
"""
