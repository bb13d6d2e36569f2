"""Datacenter → Options: every option of `datacenter.cfg` that the API knows, each with its own dialog."""
