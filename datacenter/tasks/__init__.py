"""Tasks: the list at the foot of every page, and the window that follows one of them."""
