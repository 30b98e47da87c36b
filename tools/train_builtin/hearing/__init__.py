"""The sound head: recordings and synthetic sounds become features, features and captions become a head."""
