"""The services and their backing services on one machine: started, watched until quiescent, emptied, stopped."""
