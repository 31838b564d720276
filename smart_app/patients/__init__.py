"""Who is here: the patients whose visits are under way."""
