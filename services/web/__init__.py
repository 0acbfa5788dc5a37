"""The HTTP API: what systems without Kafka send to, and what people and programs ask (docs/http_api.md)."""
