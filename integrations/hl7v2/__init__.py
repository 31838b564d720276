"""HL7 v2, received and sent: parser, acknowledgements, MLLP, message store, processing."""
