"""What surrounds every page and comes after it: the palette and the list of keys."""
