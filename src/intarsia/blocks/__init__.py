"""Parts of networks, ignorant of label spaces, losses and files."""
