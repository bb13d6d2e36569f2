"""Datacenter → Cluster log: what happened lately on any node, looked through by node, severity and words."""
