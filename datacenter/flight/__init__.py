"""Datacenter → Events: what all nodes recorded, on one time line, each node's own view beside the others'."""
