"""HTTP of administration and of the audit page: /api/admin and /api/audit."""
