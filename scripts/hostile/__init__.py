"""What `hostile_uploads.py` sends."""
