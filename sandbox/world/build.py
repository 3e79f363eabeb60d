"""The composition root: stores, authority, services and apps from settings, seed and clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from fastapi import APIRouter, FastAPI

from sandbox import web
from sandbox.atlas import Atlas
from sandbox.classroom import ClassroomService
from sandbox.clock import Clock, MachineClock
from sandbox.ministry import MinistryService
from sandbox.ministry.back_pressure import BackPressure, IntakeLimits
from sandbox.pki import RsaPool, TrainingAuthority, Trust
from sandbox.portal import PortalService
from sandbox.rehearsal import RehearsalDesk
from sandbox.responders import RespondersService
from sandbox.settings import Settings
from sandbox.signing import SigningService
from sandbox.signing.coaching import Coach
from sandbox.signing.csc_service import CscService
from sandbox.web import Database, Skin, Spaces
from sandbox.wire.classroom import CoachClient
from sandbox.wire.ministry import Account, MinistryClient
from sandbox.wire.portal import PortalClient, RegisterClient
from sandbox.wire.signing import SigningClient
from sandbox.world.unfinished import require_whole

PACKAGE = Path(__file__).parent.parent
PROJECT = PACKAGE.parent
RSA_POOL_SIZE = 4
"""Enough for the practice staff who hold RSA certificates; drawn by number."""


@dataclass(frozen=True)
class World:
    """Everything one installation consists of; made once per process."""

    settings: Settings
    clock: Clock
    database: Database

    @cached_property
    def spaces(self) -> Spaces:
        """The practice spaces."""
        return Spaces(self.database, self.clock)

    @cached_property
    def authority(self) -> TrainingAuthority:
        """The one training authority of this installation, made from its seed."""
        return TrainingAuthority.from_seed(self.settings.seed)

    @cached_property
    def trust(self) -> Trust:
        """The issuers this installation's checks recognise."""
        return Trust(self.authority.issuer_certificates)

    @cached_property
    def rsa_pool(self) -> RsaPool:
        """RSA keys, made once from the seed and kept in the data folder."""
        return RsaPool(self.settings.seed, self.settings.data / "rsa", RSA_POOL_SIZE)

    @cached_property
    def ministry(self) -> MinistryService:
        """The receiving desks."""
        return MinistryService(
            self.database,
            self.clock,
            self.spaces,
            trust=self.trust,
            responders_url=self.settings.url_of("responders"),
            pressure=BackPressure(
                self.database,
                self.clock,
                IntakeLimits(
                    min_free_disk=self.settings.min_free_disk,
                    waiting=self.settings.max_waiting,
                    waiting_bytes=self.settings.max_waiting_bytes,
                ),
                folders=(self.settings.data,),
            ),
        )

    @cached_property
    def signing(self) -> SigningService:
        """The signing service."""
        return SigningService(
            self.database,
            self.clock,
            self.spaces,
            self.authority,
            self.settings.seed,
            rsa_pool=self.rsa_pool,
        )

    @cached_property
    def csc(self) -> CscService:
        """The signing service as a provider's program meets it."""
        return CscService(self.signing, responders_url=self.settings.url_of("responders"))

    @cached_property
    def responders(self) -> RespondersService:
        """CRLs, OCSP answers, certificates and the gallery."""
        return RespondersService(
            self.database,
            self.clock,
            self.spaces,
            self.authority,
            desk_url=self.desk_url,
            admin_token=self.settings.secrets.admin_token,
        )

    @cached_property
    def portal(self) -> PortalService:
        """The provider's portal."""
        return PortalService(
            self.database,
            self.clock,
            self.spaces,
            signing=self.signing_client(),
            desks=self.desk_client,
            new_id=uuid4,
            registers=RegisterClient(self.desk_url, self.settings.secrets.admin_token),
        )

    @cached_property
    def classroom(self) -> ClassroomService:
        """Lessons."""
        return ClassroomService(
            self.database,
            self.clock,
            self.spaces,
            portal=self.portal_client(),
            signing=self.signing_client(),
            trust=self.trust,
            lessons=PROJECT / "training" / "lessons",
        )

    @cached_property
    def rehearsal(self) -> RehearsalDesk:
        """The page of the rehearsal desk."""
        return RehearsalDesk(PROJECT / "scenarios", self.settings.data / "rehearsals")

    @cached_property
    def atlas(self) -> Atlas:
        """The invented nation, for looking at; opened when somebody asks."""
        return Atlas()

    def signing_client(self) -> SigningClient:
        """Return a client of the signing service."""
        return SigningClient(
            self.settings.url_of("signing"), token=self.settings.secrets.internal_token
        )

    def portal_client(self) -> PortalClient:
        """Return a client of the portal's state for lessons."""
        return PortalClient(
            self.settings.url_of("portal"), token=self.settings.secrets.internal_token
        )

    def coach_client(self) -> CoachClient:
        """Return the client that asks the classroom for coach strips."""
        return CoachClient(
            self.settings.url_of("classroom"), token=self.settings.secrets.internal_token
        )

    def desk_client(self, space_id: str, desk: str, account: Account) -> MinistryClient:
        """Return a client of one receiving desk in one space; the caller closes it."""
        return MinistryClient(self.desk_url(space_id, desk), account, tokens=self._tokens)

    @cached_property
    def _tokens(self) -> dict[tuple[str, str], str]:
        """Tokens the portal's short-lived clients share: one login an hour, not one a call."""
        return {}

    def desk_url(self, space_id: str, desk: str) -> str:
        """Return the address of *desk*, the base of `/sandbox/v1/…`."""
        prefix = "" if space_id == web.PRACTICE_SPACE else f"/s/{space_id}"
        path = "/kho" if desk == "kho" else f"/kho/so/{desk.removeprefix('so-')}"
        return f"{self.settings.url_of('ministry')}{prefix}{path}"

    def services(self) -> dict[str, object]:
        """Return the services of the systems served here, by name."""
        return {name: getattr(self, name) for name in self.settings.systems}


def build_world(settings: Settings, *, clock: Clock | None = None) -> World:
    """Return the world of *settings*, its tables in place.

    Tables of all systems are created, also when only some are served: they share one database.
    Raises `Misuse` for a data folder that a restore has not finished.
    """
    require_whole(settings.data)
    world = World(settings, clock or MachineClock(), Database(settings.database))
    world.spaces.prepare()
    for service in (
        world.ministry,
        world.signing,
        world.responders,
        world.portal,
        world.classroom,
    ):
        service.prepare()
    return world


def build_skin(*, strict: bool = False) -> Skin:
    """Return the shared skin with templates and words of every system."""
    apps = ("ministry", "portal", "signing", "responders", "classroom", "rehearsal", "atlas")
    return Skin(
        {app: PACKAGE / app / "templates" for app in apps},
        [PACKAGE / app / "locale" for app in apps],
        statics={
            app: PACKAGE / app / "static" for app in apps if (PACKAGE / app / "static").is_dir()
        },
        strict=strict,
    )


def build_app(world: World, *, strict: bool = False) -> FastAPI:
    """Return the web application of the systems this installation serves."""
    from sandbox.atlas.pages import routers as atlas_pages
    from sandbox.web.pages import routers as web_pages
    from sandbox.world.admin import routers as admin_routes

    app = web.application()
    app.state.internal_token = world.settings.secrets.internal_token
    app.state.admin_token = world.settings.secrets.admin_token
    app.state.coach = world.coach_client()
    web.install(
        app,
        skin=build_skin(strict=strict),
        database=world.database,
        spaces=world.spaces,
        clock=world.clock,
        secret=world.settings.secrets.form_key,
        bodies_in_memory=world.settings.max_bodies,
    )
    own = (*web_pages(), *atlas_pages(world.atlas), *admin_routes(world))
    for router in (*own, *_routers_of(world)):
        app.include_router(router)
    return app


def _routers_of(world: World) -> list[APIRouter]:
    """Return the routes of the systems served here; http first, so that no page shadows it."""
    import importlib

    from sandbox.signing import csc_http, csc_pages
    from sandbox.signing.pages_computer import routers as computer_pages
    from sandbox.signing.pages_computer_pin import routers as token_pages
    from sandbox.signing.pages_room import routers as room_pages

    found: list[APIRouter] = []
    for name, service in world.services().items():
        for part in ("http", "pages"):
            routers = importlib.import_module(f"sandbox.{name}.{part}").routers
            if (name, part) == ("signing", "pages"):
                found.extend(csc_http.routers(world.csc))
                found.extend(csc_pages.routers(world.csc))
                found.extend(room_pages(world.signing))
                for made in (routers, computer_pages, token_pages):
                    found.extend(made(world.signing, Coach(world.coach_client())))
            else:
                found.extend(routers(service))
    return found
