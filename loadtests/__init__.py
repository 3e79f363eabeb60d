"""The load pack: Locust personas and shapes, objectives, verdict, report. Loopback only."""
