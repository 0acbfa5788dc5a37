"""The broker: connection and security, producing, consuming, the ends of logs, topics."""
