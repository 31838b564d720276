"""What IAM has to allow."""
