"""What a chat can choose from on an engine."""

from __future__ import annotations

from app.talk.settings import Offer
from app.upstream.client import EngineClient
from engine.catalog import calls_tools


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
    """Whether this engine with this model is known to call tools."""
    return calls_tools(client.plan.model, client.plan.engine, remote=client.plan.traits.remote)
