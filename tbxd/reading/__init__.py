"""Event files back: their records verified, their events parsed, their commit marks found."""
