"""A hub in a folder that another program synchronises: Syncthing, Dropbox, or a network share."""
