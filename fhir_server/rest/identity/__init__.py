"""HTTP of identity: sign-in, the account, sessions, emergency access."""
