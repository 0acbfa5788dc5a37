"""The inquiry service, optional: what the topics say, kept with the indexes that questions about the books need."""
