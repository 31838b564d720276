"""Who people are: what their passwords must be, second factors, sessions."""
