"""One service as a process: started, kept healthy, retried, stopped."""
