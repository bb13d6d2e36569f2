"""How Django writes numbers by itself: with a point in every language, for drawings and scripts read them."""
