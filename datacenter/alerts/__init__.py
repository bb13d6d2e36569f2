"""Datacenter → Alerts: what is wrong now, what was, and who is told of it."""
