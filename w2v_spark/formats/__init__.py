"""Vector files of other programs: reading and writing them, import and export."""
