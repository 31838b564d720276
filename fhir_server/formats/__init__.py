"""Forms in which a resource is answered."""
