"""How a client reaches the broker and proves who it is: the settings as FastStream and as aiokafka take them.

Invariant: every client of this program, consuming, sending or asking, gets its arguments here, so none is less secure than another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLOAuthBearer, SASLPlaintext, SASLScram256, SASLScram512

from shared.kafka.tokens import token_provider
from shared.settings import SecurityMechanism, SecurityProtocol

if TYPE_CHECKING:
    from shared.settings import Settings

_SASL: Final = {
    SecurityMechanism.PLAIN: SASLPlaintext,
    SecurityMechanism.SCRAM_256: SASLScram256,
    SecurityMechanism.SCRAM_512: SASLScram512,
}


def security(settings: Settings) -> BaseSecurity | None:
    """How to prove to the broker who we are; None: plain and anonymous."""
    protocol, mechanism = settings.kafka_security_protocol, settings.kafka_security_mechanism
    if protocol is SecurityProtocol.PLAINTEXT:
        return None
    encrypted = protocol in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}
    if protocol is SecurityProtocol.SSL:
        return BaseSecurity(ssl_context=settings.tls(), use_ssl=True)
    if mechanism is SecurityMechanism.OAUTH:
        return SASLOAuthBearer(ssl_context=settings.tls(), use_ssl=encrypted)
    password = settings.kafka_security_password
    kind = _SASL[mechanism or SecurityMechanism.PLAIN]
    return kind(
        username=settings.kafka_security_username or "",
        password=password.get_secret_value() if password else "",
        ssl_context=settings.tls(),
        use_ssl=encrypted,
    )


def client_arguments(settings: Settings) -> dict[str, Any]:
    """The arguments with which aiokafka's own clients (producer, admin, readers) reach the broker."""
    return {
        "bootstrap_servers": settings.brokers,
        "client_id": "intercompany",
        **parse_security(security(settings)),
        **token_arguments(settings),
    }


def token_arguments(settings: Settings) -> dict[str, Any]:
    """Where a client gets its OAuth tokens; empty where it needs none."""
    provider = token_provider(settings)
    return {} if provider is None else {"sasl_oauth_token_provider": provider}
