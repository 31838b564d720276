"""Code systems, lexicons and rule tables as data, with their readers. The ground floor."""
