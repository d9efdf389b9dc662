"""What follows a decision: manifests are kept, tags restored, alerts delivered."""
