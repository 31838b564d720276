"""Who is calling and what they may do.

Here are accounts, opaque bearer tokens and scopes. The SMART on FHIR authorization server builds on
the same `Authenticator` and token store.
"""
