"""How the feeds do: listeners that receive, and what waits, fails or is silent."""
