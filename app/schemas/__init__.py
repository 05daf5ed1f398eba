"""What goes in and out over HTTP: Create, Update and Read models apart."""
