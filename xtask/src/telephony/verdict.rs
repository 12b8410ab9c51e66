//! Checks what an agent received: the headers of the INVITE, and the page behind the link.

use anyhow::{Context as _, Result, bail, ensure};

use super::agent::Arrival;
use super::calls::Made;
use super::collector::Collector;
use super::phones::Tap;

/// On the page that knows nothing of a call, and on no other.
const NOTHING: &str = "Nothing is known of this call";
/// On the page of a call whose tap the collector has not heard of.
const NOT_CONFIRMED: &str = "not confirmed by the app";

/// The call reached an agent, whose link opens on this customer and nobody else.
pub(crate) fn found<'a>(collector: &Collector, made: &'a Made, tap: &Tap) -> Result<&'a Arrival> {
    let arrival = reached(made)?;
    let page = collector.open(link(arrival, "found")?)?;
    ensure!(is_of(&page, tap), "the desk shows somebody else, or nobody");
    ensure!(!page.contains(NOT_CONFIRMED), "the desk says that the app did not confirm the call");
    Ok(arrival)
}

/// The same for a call of a phone without data.
pub(crate) fn found_unconfirmed<'a>(
    collector: &Collector,
    made: &'a Made,
    tap: &Tap,
) -> Result<&'a Arrival> {
    let arrival = reached(made)?;
    let page = collector.open(link(arrival, "found")?)?;
    ensure!(is_of(&page, tap), "the desk shows somebody else, or nobody");
    ensure!(page.contains(NOT_CONFIRMED), "the desk does not say that the call is unconfirmed");
    Ok(arrival)
}

/// The call reached an agent, whose page says that nothing is known of it.
pub(crate) fn unknown<'a>(collector: &Collector, made: &'a Made) -> Result<&'a Arrival> {
    let arrival = reached(made)?;
    let page = collector.open(link(arrival, "unknown")?)?;
    ensure!(page.contains(NOTHING), "the desk does not say that nothing is known");
    ensure!(!page.contains("customer-"), "the desk shows somebody");
    Ok(arrival)
}

/// That page again: the agent types the code that the customer reads aloud, and sees the customer.
pub(crate) fn typed(collector: &Collector, arrival: &Arrival, tap: &Tap) -> Result<()> {
    let page = collector.type_code(link(arrival, "unknown")?, &tap.code)?;
    ensure!(is_of(&page, tap), "the typed code does not open on the customer");
    Ok(())
}

/// The call reached an agent without a link, and says so.
pub(crate) fn unavailable(made: &Made) -> Result<&Arrival> {
    let arrival = reached(made)?;
    ensure!(arrival.lookups == ["unavailable"], "X-Jalon-Lookup is {:?}", arrival.lookups);
    ensure!(arrival.desks.is_empty(), "there is a link: {:?}", arrival.desks);
    Ok(arrival)
}

/// One INVITE reached an agent.
pub(crate) fn reached(made: &Made) -> Result<&Arrival> {
    made.arrival().with_context(|| match made.arrivals.len() {
        0 => "no agent was reached".to_owned(),
        1 => "the caller's phone saw its call fail".to_owned(),
        count => format!("{count} INVITEs reached agents"),
    })
}

fn link<'a>(arrival: &'a Arrival, lookup: &str) -> Result<&'a str> {
    ensure!(arrival.lookups == [lookup], "X-Jalon-Lookup is {:?}", arrival.lookups);
    match &arrival.desks[..] {
        [link] => Ok(link),
        links => bail!("{} desk links", links.len()),
    }
}

fn is_of(page: &str, tap: &Tap) -> bool {
    page.contains(&tap.customer)
        && page.matches("customer-").count() == page.matches(&tap.customer).count()
}
