"""What a chat can choose from on an engine."""

from __future__ import annotations

from app.talk.settings import Offer
from app.upstream.client import EngineClient
from engine.catalog import UnknownModelError, find_model


async def offer_of(client: EngineClient) -> Offer:
    """What a chat can choose from on this engine.

    Raises:
        openai.APIError: it does not answer.
    """
    served = await client.served()
    names = tuple(model.name for model in served) or (client.plan.served_name,)
    return _offer(client, names)


def planned_offer(client: EngineClient) -> Offer:
    """The same from the plan alone, for an engine that does not answer yet."""
    return _offer(client, (client.plan.served_name,))


def _offer(client: EngineClient, names: tuple[str, ...]) -> Offer:
    titles = {client.plan.served_name: client.model.title}
    return Offer(names, client.model, client.context(names[0]), titles, can_call_tools(client))


def can_call_tools(client: EngineClient) -> bool:
    """Whether this engine with this model is known to call tools: a fact of the catalogue.

    Of a server of the user's own it is enough that the model can; of an unknown model there, nothing speaks against it.
    """
    parsers = client.model.parsers
    if client.plan.traits.remote:
        return any(parser.tools for parser in parsers.values()) or not _known(client.plan.model)
    return any(parser.tools for engine, parser in parsers.items() if engine == client.plan.engine)


def _known(name: str) -> bool:
    try:
        find_model(name)
    except UnknownModelError:
        return False
    return True
