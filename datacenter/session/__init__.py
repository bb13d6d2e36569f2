"""Signing in and out in the browser, and keeping a page signed in while it is open and across a join."""
