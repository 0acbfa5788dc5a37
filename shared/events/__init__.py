"""The event contract in one place: what other systems send, what the services say to each other and to the runtime."""
