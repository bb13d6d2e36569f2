"""Tests of the flight recorder's decisions."""
