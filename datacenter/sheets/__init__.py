"""Sheets: a list of things of one kind, and the dialogs that make, change and remove them, described as data."""
