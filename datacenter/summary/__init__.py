"""Datacenter → Summary: how the cluster is, on one page."""
