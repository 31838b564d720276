"""OAuth clients: who they are, how they prove it, how they are registered."""
