"""What the service says of the hardware now, beside a review that goes by the dated snapshot.

Only the plugin knows whether a run looks at the service at all: a preview without a refresh opens no socket. So this is
told on the row of an endpoint that is new or changes, and only in a run that refreshes.
"""

from hfdeploy.catalog import Hardware, format_rate
from hfdeploy.errors import HfdeployError
from hfdeploy.provider.host import Row
from hfdeploy.provider.props import Props, has_unknown, spec_fields
from hfdeploy.provider.session import Session
from hfdeploy.render import describe_status
from hfdeploy.spec import parse_spec


def tell(olds: Props, news: Props, session: Session, row: Row) -> None:
    """Say on the row what the hardware of a new or changed endpoint costs today, and whether it can be had."""
    if not session.is_refreshing or has_unknown(spec_fields(news)) or spec_fields(olds) == spec_fields(news):
        return
    try:
        planned = session.plan_offline(parse_spec(spec_fields(news))).hardware
        live = session.catalog(str(news.get("namespace"))).find(*planned.key)
    except HfdeployError:
        return  # nobody's decision hangs on it, and what is wrong with the spec or the service is said elsewhere
    if live is not None and live.as_of is None:
        row.note(f"the service says today: {_described(planned, live)}")


def _described(planned: Hardware, live: Hardware) -> str:
    price = format_rate(live.price_per_hour)
    if live.price_per_hour != planned.price_per_hour:
        price += f" and not {format_rate(planned.price_per_hour)}, which the review counts with"
    said = [f"{live.spelling} in {live.place} at {price}", describe_status(live)]
    if live.quota:
        said.append(f"{live.quota.used} of {live.quota.maximum} accelerators of the quota in use")
    return ", ".join(said)
