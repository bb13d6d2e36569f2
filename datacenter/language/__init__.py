"""What language pages are in: who decides it, what is marked for translation, and the words that scripts need."""
