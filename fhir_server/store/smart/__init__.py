"""What the SMART authorization server keeps in MongoDB."""
