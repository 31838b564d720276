"""SMART App Launch 2.2 authorization server: its rules, without HTTP and without MongoDB."""
