"""Hub client for Spaces and data sets, with one-sentence errors.

The token is that of `HF_TOKEN`: a login stored in a file is not used without being named.
Tested in tests/deploy/space/test_deployment.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings

if TYPE_CHECKING:
    from huggingface_hub import HfApi

REPO_NAME = re.compile(r"[\w][\w.-]{0,95}/[\w][\w.-]{0,95}", re.ASCII)


def require_token() -> str:
    """Token of the environment.

    Raises:
        StudioError: `HF_TOKEN` is not set.
    """
    if found := os.environ.get("HF_TOKEN"):
        return found
    raise StudioError("The hub is written to with a token that may: set HF_TOKEN in the environment.")


def hub_client(settings: Settings) -> HfApi:
    """Client for the hub of the settings, with the environment's token.

    Raises:
        StudioError: `HF_TOKEN` is not set.
    """
    from huggingface_hub import HfApi, constants

    return HfApi(endpoint=settings.hub_endpoint or constants.ENDPOINT, token=require_token())


@contextmanager
def hub_errors(what: str) -> Iterator[None]:
    """Turn errors of huggingface_hub in a request for `what` into one sentence; a defect of ours passes.

    Raises:
        StudioError: The hub refuses, cannot be reached, is overloaded, or its answer is not understood.
    """
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        yield
    except StudioError:
        raise
    except HFValidationError as error:
        raise StudioError(f"{what} has no name that a hub knows: use OWNER/NAME, as in me/studio.") from error
    except OfflineModeIsEnabled as error:
        raise StudioError(f"{what} cannot be reached, since HF_HUB_OFFLINE is set: unset it.") from error
    except HfHubHTTPError as error:
        raise StudioError(_refusal(what, error.response.status_code)) from error
    except httpx2.TransportError as error:
        raise StudioError(f"{what} cannot be reached: check the connection, and HF_ENDPOINT.") from error
    except (ValueError, KeyError, RuntimeError) as error:
        raise StudioError(f"The hub's answer about {what} was not understood: try again later.") from error


def _refusal(what: str, status: int) -> str:
    if status == 402:
        return (
            f"The hub wants a paid plan for {what} (402): a Docker Space needs PRO for a person, Team or Enterprise "
            "for an organisation; see docs/deploy.md."
        )
    if status in (401, 403):
        return f"The hub refuses {what} to the token in HF_TOKEN ({status}): use one that may write to its owner."
    if status == 404:
        return f"The hub has no {what}: check the name, and that the token in HF_TOKEN may see it."
    if status in (409, 412):
        return f"{what} was changed by another meanwhile ({status}): look at it, and try again."
    if status == 429:
        return f"The hub asks for a pause before it goes on with {what} (429): try again in some minutes."
    if status >= 500:
        return f"The hub cannot serve {what} at the moment ({status}): try again later."
    return f"The hub answers {status} about {what}: check what was asked for."
