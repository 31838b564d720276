"""The clinician's side: dashboard, consultation routes, WebSocket gateway."""
