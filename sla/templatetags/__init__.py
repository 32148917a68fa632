"""What templates of this floor may say."""
