"""See the package."""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ""
