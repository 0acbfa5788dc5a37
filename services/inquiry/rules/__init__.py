"""The pure rules of the projection: one message in, the rows it says."""
