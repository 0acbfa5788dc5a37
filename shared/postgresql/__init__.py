"""The database: one service's schema, its migrations and the rights of its roles."""
