"""Tests of what alerts decide."""
