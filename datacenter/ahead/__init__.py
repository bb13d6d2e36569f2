"""Datacenter → What if: suppose nodes or links off, and see who would go on."""
