"""What all end-to-end tests share: a hub to start, pictures to send, readers of each kind, a deadline to wait under."""
