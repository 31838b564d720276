"""What has to be done now and then, all in one place: the list, and the clock that starts it."""
